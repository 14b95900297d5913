"""Write the config with all default values, the commit, and the versions of the software."""

from typing import TYPE_CHECKING, Any

import yaml

from stormcnn.io import write_text
from stormcnn.logs import job_log
from stormcnn.provenance import code_version, library_versions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def write_config(*, config: dict[str, Any], output: str) -> None:
    """Write `config` as YAML that can be used with `--configfile`."""
    versions = [f"# {name} {version}" for name, version in library_versions().items()]
    commit = f"# stormcnn_commit {code_version()}"
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    write_text("\n".join(["# Made with", commit, *versions, "", text]), output)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        write_config(config=snakemake.params.config, output=snakemake.output.config)
