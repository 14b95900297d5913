# stormcnn with the pinned requirements. Data and results are in the folder that is mounted at /work:
#   docker build --tag stormcnn .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" stormcnn --cores 4
# It runs as any user, and with a read-only root file system if /tmp is writable (--tmpfs /tmp).
# --build-arg REQUIREMENTS=requirements-gpu.txt uses GPUs; requirements-dev.txt includes MLflow.
FROM python:3.12-slim-bookworm
ARG REQUIREMENTS=requirements.txt

# The environment is a layer of its own, which a change of the code does not rebuild.
WORKDIR /opt/stormcnn
COPY envs/install envs/
COPY requirements*.txt ./
RUN PIP_NO_CACHE_DIR=1 envs/install .venv "$REQUIREMENTS" python3

COPY Snakefile ./
COPY config config
COPY envs envs
COPY ops ops
COPY profiles profiles
COPY report report
COPY rules rules
COPY scripts scripts
COPY stormcnn stormcnn
# No user can write bytecode here later.
RUN .venv/bin/python -m compileall -q stormcnn ops

# The user may have no entry in /etc/passwd. Any user can write caches to /tmp.
ENV HOME=/tmp USER=stormcnn LOGNAME=stormcnn
USER nobody
WORKDIR /work
ENTRYPOINT ["/opt/stormcnn/ops/entrypoint"]
