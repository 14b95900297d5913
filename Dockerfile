# An environment with the requirements of requirements.txt. It runs a checkout that is mounted at /work:
#   docker build --tag stormcnn .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" stormcnn --cores 4
FROM python:3.12-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*

COPY Makefile requirements.txt requirements-build.txt requirements-dev.txt /opt/stormcnn/
RUN make -C /opt/stormcnn install-runtime

# Any user can write caches to /tmp.
ENV PATH=/opt/stormcnn/.venv/bin:$PATH HOME=/tmp
USER nobody
WORKDIR /work
ENTRYPOINT ["snakemake"]
