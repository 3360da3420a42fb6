"""``tfx-vigil keys``: the keys of the pseudonyms, and what was made by them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from .cli_options import AsJson
from .console import Cells, progress_line, screen
from .yaml_file import ConfigError

keys = typer.Typer(no_args_is_help=True)

Source = Annotated[
    str, typer.Argument(help="The keyset: a file, env:NAME or vault:MOUNT/KEY.", show_default=True)
]
_FILE = "keyset.json"
_VIGIL_YAML = Path("vigil.yaml")
_Result = TypeVar("_Result")


@keys.command("new")
def new_keyset(
    source: Source = _FILE,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="By a passphrase, asked for unless it is given.")
    ] = False,
) -> None:
    """Make a keyset with one random key."""
    from ..beam_jobs import keysets
    from ..beam_jobs.keysets import passphrase

    if encrypt and passphrase.given() is None:
        _ask_passphrase(confirm=True)
    keysets.create(source)
    screen.print(made(source), markup=False)


@keys.command("rotate")
def rotate_keyset(source: Source = _FILE) -> None:
    """Add a random key, which makes new pseudonyms from now on; earlier ones stay readable."""
    from ..beam_jobs import keysets

    keyset = unlocked(lambda: keysets.rotate(source))
    screen.print(
        f"{source}: version {keyset.primary} makes new pseudonyms. Make a new copy of the keyset; "
        "tfx-vigil keys rewrap moves stored pseudonyms to it.",
        markup=False,
    )


@keys.command("list")
def list_keys(source: Source = _FILE, as_json: AsJson = False) -> None:
    """List the key versions."""
    from ..beam_jobs import keysets

    infos = unlocked(lambda: keysets.versions(source))
    if as_json:
        print(json.dumps([asdict(info) for info in infos]))
        return
    table = Cells("version", "created", "status", "")
    for info in infos:
        primary = "primary" if info.primary else ""
        table.add_row(str(info.version), info.created, info.status, primary)
    screen.print(table)


@keys.command("destroy")
def destroy_key(
    source: Annotated[str, typer.Argument(help="The keyset.")],
    version: Annotated[int, typer.Option(help="The key version to destroy.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a key for ever: what it made is unlinkable from then on."""
    from ..beam_jobs import keysets
    from ..beam_jobs.keysets.keyset import check_destroyable

    infos = unlocked(lambda: keysets.versions(source))
    check_destroyable(source, infos, version)
    made_from = next(info.created for info in infos if info.version == version)
    made_until = next(info.created for info in infos if info.version > version)
    screen.print(
        f"{source}: with key version {version} all pseudonyms that begin with v{version}. "
        f"(made from {made_from} to {made_until}) become unlinkable for ever: nobody can trace "
        "them to a person, find them for a data subject, or move them to another version. Move "
        "those still needed first: tfx-vigil keys rewrap.",
        markup=False,
    )
    if not yes:
        typer.confirm(f"Destroy version {version}?", abort=True, err=True)
    unlocked(lambda: keysets.destroy(source, version))
    screen.print(
        f"Destroyed. Destroy its copies too: backups and snapshots of {source} from before now, "
        "and secrets that were made of it, still hold the key.",
        markup=False,
    )


@keys.command("rewrap")
def rewrap_data(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Parquet, CSV, TFRecord, or Split-* folders; default: all rows of the history and "
            "of the pipeline's runs."
        ),
    ] = None,
    config: Annotated[Path, typer.Option("--config", "-c", help="The vigil.yaml.")] = _VIGIL_YAML,
    as_json: AsJson = False,
) -> None:
    """Move stored pseudonyms, in place, to the key that makes new ones."""
    from ..beam_jobs import keysets
    from ..beam_jobs import rewrap_data as job
    from .config import load_config

    loaded = load_config(config)
    if not loaded.privacy.needs_key:
        raise ConfigError(f"{config}: privacy: no field has a pseudonym: nothing to rewrap")
    unlocked(lambda: keysets.load(loaded.privacy.keyset))
    if data:
        report = job.rewrap_data(loaded.privacy, str(data), loaded.beam_args)
    else:
        from .rewrap_stored import rewrap_stored

        with progress_line() as progress:
            report = rewrap_stored(loaded, progress)
    if as_json:
        print(report.model_dump_json(indent=1))
        return
    screen.print(
        f"{data or loaded.runtime.history_root}: {report.rows_changed:,} of {report.rows:,} rows "
        f"moved to key version {report.version}",
        markup=False,
    )
    for held in report.unreadable:
        made_by = f"version {held.version}" if held.version else "an unknown version"
        screen.print(
            f"{held.field}: {held.values:,} pseudonyms of {made_by} stay as they are",
            markup=False,
        )


def made(source: str) -> str:
    """What to tell about a new keyset."""
    from ..beam_jobs.keysets import provider_of
    from ..beam_jobs.keysets.file import FileKeys

    provider = provider_of(source)
    if not isinstance(provider, FileKeys):
        return f"{source}: made new keys"
    form = (
        "encrypted; without its passphrase it is lost"
        if provider.is_encrypted
        else "not encrypted: whoever reads the file has the keys (tfx-vigil keys new --encrypt)"
    )
    return f"{source}: a new keyset, {form}. Keep it safe and backed up where the data is not."


def unlocked(work: Callable[[], _Result]) -> _Result:
    """Asks a person for the passphrase where nothing else gives it."""
    from ..beam_jobs.keysets import PassphraseNeeded

    try:
        return work()
    except PassphraseNeeded:
        if not sys.stdin.isatty():
            raise
    _ask_passphrase()
    return work()


def _ask_passphrase(confirm: bool = False) -> None:
    """For this process and its workers."""
    from ..beam_jobs.keysets.passphrase import VARIABLE

    os.environ[VARIABLE] = typer.prompt(
        "Passphrase of the keyset", hide_input=True, confirmation_prompt=confirm, err=True
    )
