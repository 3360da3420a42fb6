"""``tfx-vigil subject``: what people may ask for whose data is in the logs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_keys import unlocked
from .cli_options import AsJson
from .console import progress_line, screen
from .person_prompt import asked, identifier_of
from .show_receipts import show_held, show_receipt, show_receipts
from .yaml_file import ConfigError

if TYPE_CHECKING:
    from ..beam_jobs.subjects.marks import Marks
    from .config import VigilConfig
    from .subject_orders import Order

subject = typer.Typer(no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", help="The vigil.yaml.")]
IdFile = Annotated[
    Path | None,
    typer.Option(help="File with the identifier; default: the first line of stdin, or asked for."),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="New folder, for its owner only.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be touched.")]
_VIGIL_YAML = Path("vigil.yaml")


@subject.command()
def erase(
    config: Config = _VIGIL_YAML,
    id_file: IdFile = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete the person's rows everywhere, and keep the person from coming back (Art. 17)."""
    from .subject_orders import erasure

    _order(_loaded(config), identifier_of(id_file), erasure, dry_run, as_json)


@subject.command()
def restrict(
    config: Config = _VIGIL_YAML,
    id_file: IdFile = None,
    lift: Annotated[bool, typer.Option("--lift", help="End the restriction.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Keep the person's rows, but out of statistics, evaluation and training (Art. 18)."""
    from .subject_orders import lifting, restriction

    order = lifting if lift else restriction
    _order(_loaded(config), identifier_of(id_file), order, dry_run, as_json)


@subject.command()
def rectify(
    set_: Annotated[
        str,
        typer.Option("--set", help="FIELD=VALUE; of FIELD alone the value is asked for, too."),
    ],
    config: Config = _VIGIL_YAML,
    id_file: IdFile = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put a value right in the person's rows (Art. 16)."""
    from .subject_orders import rectification

    loaded, identifier = _loaded(config), identifier_of(id_file)
    field, given, value = set_.partition("=")
    if not given:
        value = asked(f"New value of {field}")
    order = rectification(loaded, identifier, field, value)
    _order(loaded, identifier, order, dry_run, as_json)


@subject.command()
def access(
    output: Output,
    config: Config = _VIGIL_YAML,
    id_file: IdFile = None,
    as_json: AsJson = False,
) -> None:
    """Hand out all that is held of the person, where, why and since when (Art. 15)."""
    _hand_out("access", output, config, id_file, as_json)


@subject.command()
def export(
    output: Output,
    config: Config = _VIGIL_YAML,
    id_file: IdFile = None,
    as_json: AsJson = False,
) -> None:
    """Hand out the person's rows as JSON and CSV (Art. 20)."""
    _hand_out("export", output, config, id_file, as_json)


@subject.command("receipts")
def list_receipts(
    config: Config = _VIGIL_YAML,
    verify: Annotated[bool, typer.Option("--verify", help="Check chain and signatures.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what was asked and done; with --verify, whether it can be believed."""
    from ..beam_jobs.subjects.receipts import Receipts
    from .subject_rights import signer

    loaded = _loaded(config)
    receipts = Receipts(loaded.runtime.history_root)
    found = list(receipts.all())
    checked = receipts.verify(signer(loaded).public_key()) if verify else None
    if as_json:
        print("[" + ",\n".join(receipt.model_dump_json() for receipt in found) + "]")
        return
    show_receipts(found)
    if verify:
        screen.print(f"{checked} receipts: numbers, chain and signatures hold.")
    number, digest = receipts.head()
    if number:
        screen.print(
            f"Newest: {number}, SHA-256 {digest}. Keep this elsewhere: it shows if the newest "
            "are ever missing.",
            markup=False,
        )


def _loaded(config: Path) -> VigilConfig:
    """Asks for the keyset's passphrase where that is needed."""
    from ..beam_jobs import keysets
    from .config import load_config

    loaded = load_config(config)
    if not loaded.privacy.keyset:
        raise ConfigError(
            f"{config}: privacy: no field with the role subject_id, so nobody can be found: give "
            "one, with a keyset"
        )
    unlocked(lambda: keysets.load(loaded.privacy.keyset))
    return loaded


def _order(
    config: VigilConfig,
    identifier: str,
    order_of: Callable[[Marks], Order],
    dry_run: bool,
    as_json: bool,
) -> None:
    from .subject_rights import carry_out, foretell

    with progress_line() as progress:
        progress("looking for the person")
        if dry_run:
            held = foretell(config, identifier, order_of)
        else:
            receipt = carry_out(config, identifier, order_of, progress)
    if not dry_run:
        show_receipt(receipt, as_json)
    elif as_json:
        print("[" + ",\n".join(each.model_dump_json() for each in held) + "]")
    else:
        show_held(held, "Nothing of this person is held." if not held else "Nothing was changed.")


def _hand_out(kind, output: Path, config: Path, id_file: Path | None, as_json: bool) -> None:
    from .subject_access import hand_out

    loaded, identifier = _loaded(config), identifier_of(id_file)
    if output.exists():
        raise ConfigError(f"--output: {output} exists already: give a new folder")
    with progress_line() as progress:
        receipt = hand_out(loaded, identifier, output, kind, progress)
    show_receipt(receipt, as_json)
    if not as_json:
        screen.print(f"Handed out: {output}", markup=False)
