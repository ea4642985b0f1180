"""The command line: thin, one library call per command, one clear line per mistake."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table

from holdfast.errors import ConfigError, HoldfastError, LeakError

app = typer.Typer(
    name="holdfast",
    help="From raw customer histories to a scored retention list.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
console = Console(stderr=True)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The config (YAML).")]
Folder = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")]
PreviousList = Annotated[
    Path | None, typer.Option("--previous", help="The last round's folder or list: says who is new on the list.")
]


@app.command()
def run(
    config: ConfigFile,
    out: Folder,
    cutoff: Annotated[str | None, typer.Option(help="Scoring date; default: the end of the data.")] = None,
    previous: PreviousList = None,
) -> None:
    """Walk the whole road, from ingestion to the report; continue where an earlier run stopped.

    Example: holdfast run -c configs/online_retail.yaml -o out/online_retail
    """
    from holdfast.pipelines.runs import open_context, run_all

    context = open_context(config, out, _day(cutoff) if cutoff else None, _told)
    with console.status("starting") as status:
        done = run_all(replace(context, say=lambda stage: _progress(status, stage), previous=previous))
    table = Table("stage", "seconds", "peak MB", box=None)
    for each in done:
        table.add_row(each.name, "kept" if each.reused else f"{each.seconds:.1f}", f"{each.peak_mb:.0f}")
    console.print(table)
    _where(out)


@app.command()
def target(
    config: ConfigFile,
    out: Folder,
    budget: Annotated[float | None, typer.Option(help="Another budget than the config's.")] = None,
    previous: PreviousList = None,
) -> None:
    """Make a new list from a finished run: another budget, margin, other offers. Nothing is trained again.

    Example: holdfast target -c configs/online_retail.yaml -o out/online_retail --budget 2000
    """
    from holdfast.pipelines.after import retarget
    from holdfast.pipelines.runs import open_context

    summary = retarget(replace(open_context(config, out), previous=previous), budget)
    for note in summary["notes"]:
        typer.echo(note)
    typer.echo(f"list: {out / 'lists' / 'retention.csv'}")


@app.command()
def winback(config: ConfigFile, out: Folder) -> None:
    """Plan and list for customers already lost, out of a finished run: who may come back, with what, by whom.

    Example: holdfast winback -c configs/online_retail.yaml -o out/online_retail
    """
    from holdfast.pipelines.runs import open_context
    from holdfast.pipelines.winback import winback as win_back

    with console.status("looking at who came back"):
        facts = win_back(open_context(config, out))
    typer.echo(f"{facts['lost']:,} lost customers; {facts['treat']:,} to contact, {facts['holdout']:,} held out")
    if facts["not_ready"]:
        typer.echo(f"{facts['not_ready']:,} not ready: without a measure, an owner or a date")
    typer.echo(f"list: {out / 'lists' / 'winback.csv'}  plan: {out / 'lists' / 'winback_plan.csv'}")


@app.command()
def measure(config: ConfigFile, out: Folder) -> None:
    """Effects of past campaigns, with intervals and verdicts: keep, change, stop, or not measurable.

    Example: holdfast measure -c configs/world.yaml -o out/world
    """
    from holdfast.pipelines.measure import measure as measure_campaigns
    from holdfast.pipelines.runs import open_context

    with console.status("reading the campaigns") as status:
        facts = measure_campaigns(open_context(config, out, say=status.update))
    for offer, one in facts.items():
        average = one.get("average")
        told = one["because"] if average is None or average["effect"] is None else (
            f"{average['effect']:+.4g} [{average['low']:.4g}, {average['high']:.4g}] per customer: "
            f"{average['verdict']}; heterogeneity {one['heterogeneity']}; {one['advice']}"
        )  # fmt: skip
        typer.echo(f"{offer}: {told}")
    typer.echo(f"effects: {out / 'campaigns' / 'effects.csv'}  verdicts: {out / 'campaigns' / 'verdict.json'}")


@app.command()
def simulate(
    out: Folder,
    customers: Annotated[int, typer.Option("-n", "--customers", help="Number of customers.")] = 5000,
    seed: Annotated[int, typer.Option(help="Same seed, same world.")] = 7,
    months: Annotated[int, typer.Option(help="Length of the world.")] = 24,
) -> None:
    """Make a world with known truth: all tables, `truth/` and a config for it.

    Example: holdfast simulate -n 5000 -o data/world --seed 7
    """
    from holdfast.histories.simulate.world import simulate as make_world

    with console.status(f"simulating {customers:,} customers"):
        make_world(customers, months, seed).write(out)
    typer.echo(f"world: {out}  config: {out / 'holdfast.yaml'}  truth: {out / 'truth'}")


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the demo.")] = Path("out/demo"),
    customers: Annotated[int, typer.Option("-n", "--customers")] = 3000,
) -> None:
    """Simulate a small world, run on it, print where the report and the list are.

    Example: holdfast demo
    """
    world = out / "world"
    simulate(world, customers, 7, 24)
    run(world / "holdfast.yaml", out)


@app.command()
def init(
    data: Annotated[list[str], typer.Argument(help="CSV, CSV.gz or Parquet files, folders, globs.", metavar="DATA...")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The config to write.")] = Path("holdfast.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Look at data files, guess tables and columns, and write a commented config.

    Example: holdfast init data/orders.csv data/customers.csv -o holdfast.yaml
    """
    from holdfast.params.guess import write_guess

    with console.status("looking at the files"):
        guess = write_guess(data, out, force=force)
    for line in guess.said:
        typer.echo(line)
    if guess.questions:
        typer.echo("open questions:")
    for question in guess.questions:
        typer.echo(f"- {question}")
    hint = f"next: holdfast run -c {out} -o out" if guess.complete else "complete it before the first run"
    typer.echo(f"config: {out}; {hint}")


@app.command()
def features(config: ConfigFile) -> None:
    """List the features that a config gives: name, unit, family, window, exit class.

    Example: holdfast features -c configs/online_retail.yaml
    """
    from holdfast.pipelines.catalogue import feature_table

    frame = feature_table(config)
    _print_table(frame)
    typer.echo(f"{len(frame)} features")


@app.command()
def featurize(
    config: ConfigFile,
    out: Folder,
    at: Annotated[str, typer.Option(help="Dates, separated by commas.")],
) -> None:
    """Write `features.parquet`: every customer with a history at each date; nothing else.

    Example: holdfast featurize -c configs/cdnow.yaml -o out/features --at 1998-01-01,1998-04-01
    """
    from holdfast.pipelines.catalogue import featurize_at

    rows, columns = featurize_at(config, out, [_day(text) for text in at.split(",")])
    typer.echo(f"{rows:,} rows, {columns} features: {out / 'features.parquet'}")


@app.command()
def check(
    config: ConfigFile,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Keep the tables in this folder.")] = None,
    definitions: Annotated[
        bool, typer.Option("--definitions", help="Compare churn definitions around the configured one instead.")
    ] = False,
) -> None:
    """Put the data to the test: what was refused, and the nine points of the leakage suite; or compare definitions.

    Example: holdfast check -c configs/online_retail.yaml -o out/check
    """
    import tempfile

    from holdfast.pipelines.checks.definitions import READING, compare_definitions
    from holdfast.pipelines.checks.suite import check_data, failures
    from holdfast.pipelines.runs import open_context

    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder, console.status("reading") as status:
        context = open_context(config, out or Path(folder), say=lambda stage: _progress(status, stage))
        frame = compare_definitions(context) if definitions else check_data(context)
    _print_table(frame)
    if definitions:
        typer.echo(READING)
    elif wrong := failures(frame):
        raise LeakError(wrong)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to send.")],
    kind: Annotated[str | None, typer.Option("--format", help="csv or parquet; default: by the file's name.")] = None,
    with_reasons: Annotated[
        bool, typer.Option(help="Reasons are internal; put them into the file all the same.")
    ] = False,
    asserted_by: Annotated[
        str | None, typer.Option("--consent-asserted-by", help="Who answers for consent that is not recorded.")
    ] = None,
) -> None:
    """Write the file for the sending tool after checking everything again, with control and suppression beside it.

    Example: holdfast export out/online_retail -o send.csv --consent-asserted-by "A. Smith"
    """
    from holdfast.pipelines.after import export as write_files

    done = write_files(folder, out, asserted_by, with_reasons, kind)
    typer.echo(f"send {done.send:,}, control {done.control:,}, suppressed {done.suppression:,}")
    for note in done.notes:
        typer.echo(note)
    for path in done.files:
        typer.echo(str(path))


@app.command()
def replay(
    config: ConfigFile,
    at: Annotated[str, typer.Option(help="The past date.")],
    top: Annotated[int, typer.Option(help="Length of the list.")] = 500,
) -> None:
    """Show what the list would have been on a past date and what became of it, beside simple rules.

    Example: holdfast replay -c configs/online_retail.yaml --at 2011-08-12 --top 500
    """
    from holdfast.pipelines.after import replay_at
    from holdfast.pipelines.catalogue import ingested
    from holdfast.pipelines.runs import open_context

    with console.status("replaying"), ingested(config) as histories:
        frame = replay_at(open_context(config, Path()), histories, _day(at), top)
    typer.echo(frame.round(3).to_string(index=False))
    typer.echo("the model of the list: default settings, fitted on what was known then; a run's tuning is not repeated")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="Folder of the earlier run.")],
    new: Annotated[Path, typer.Argument(help="Folder of the later run.")],
    most: Annotated[int, typer.Option(help="Rows to show.")] = 20,
) -> None:
    """Compare two lists: who came, who went, who moved, and why.

    Example: holdfast diff out/january out/february
    """
    from holdfast.pipelines.after import difference

    changes, summary = difference(old, new)
    typer.echo(changes.head(most).to_string(index=False))
    typer.echo(", ".join(f"{name} {summary[name]}" for name in ("came", "went", "moved", "same")))


@app.command()
def promote(
    task: Annotated[str, typer.Option(help="churn or loyalty.")] = "churn",
    rollback: Annotated[bool, typer.Option("--rollback", help="Bring the previous champion back.")] = False,
    uri: Annotated[str, typer.Option(help="Tracking address.")] = "sqlite:///mlflow.db",
) -> None:
    """Let the challenger become champion if it passes the gate; log the decision with its figures.

    Example: holdfast promote --task churn
    """
    if task not in ("churn", "loyalty"):
        raise ConfigError(f"--task: came {task!r}; expected churn or loyalty")
    from holdfast.tracking.connection import resolve_uri
    from holdfast.tracking.registry import promote as decide
    from holdfast.tracking.registry import remembered_gate

    address = resolve_uri(uri, Path.cwd())
    gate = None if rollback else remembered_gate(task, uri=address)
    found = decide(task, uri=address, gate=gate, rollback=rollback)
    typer.echo(
        f"{task}: {'promoted' if found.promoted else 'refused'}: {found.reason}; champion is version {found.champion}"
    )


@app.command(hidden=True)
def stage(
    name: Annotated[str, typer.Argument(help="Stage of the graph.")],
    config: ConfigFile,
    out: Folder,
    task: Annotated[str, typer.Option(help="Task, for a stage that runs per task.")] = "",
    models: Annotated[Path | None, typer.Option(help="Folder of the models.")] = None,
) -> None:
    """Run one stage of the graph; this is what DVC calls."""
    from holdfast.pipelines.runs import open_context, run_stage

    done = run_stage(open_context(config, out, models=models, say=lambda _: None), name, task)
    typer.echo(f"{done.name}: {done.seconds:.1f} s, {done.peak_mb:.0f} MB")


def _print_table(frame: Any) -> None:
    """A frame as a table; numbers with three digits, what is missing as nothing."""
    table = Table(*(str(name) for name in frame.columns), box=None)
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    Console(width=None if sys.stdout.isatty() else 160, markup=False, highlight=False).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.3f}".removesuffix(".000")
    return "" if value is None else str(value)


def _told(stage: str) -> None:
    """A line per stage where nobody watches a terminal."""
    typer.echo(f"{datetime.now():%H:%M:%S} {stage}")


def _progress(status: Status, stage: str) -> None:
    if console.is_terminal:
        status.update(f"stage {stage}")
    else:
        _told(stage)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").date()
    except ValueError as error:
        raise ConfigError(f"date {text!r}: expected YYYY-MM-DD") from error


def _where(out: Path) -> None:
    typer.echo(f"report: {out / 'report.html'}")
    typer.echo(f"list:   {out / 'lists' / 'retention.csv'}")


def main(argv: list[str] | None = None, exit_with: Callable[[int], Any] = sys.exit) -> None:
    """Entry point: exit code 0 done, 1 failed with one clear line, 2 wrong usage or config."""
    try:
        app(args=argv, standalone_mode=False)
    except HoldfastError as error:
        _complain(str(error))
        exit_with(error.exit_code)
    except typer.Exit as stop:
        exit_with(stop.exit_code)
    except typer.Abort:
        _complain("stopped")
        exit_with(1)
    except KeyboardInterrupt:
        _complain("interrupted; run the same command again to continue")
        exit_with(1)
    except OSError as error:
        _complain(f"{error.filename or ''}: {error.strerror or error}")
        exit_with(1)
    except Exception as error:
        if os.environ.get("HOLDFAST_DEBUG"):
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(error.format_message())  # type: ignore[attr-defined]
            exit_with(2)
            return
        if hasattr(error, "format_message"):
            _complain(error.format_message())
            exit_with(getattr(error, "exit_code", 2))
            return
        _complain(f"unexpected {type(error).__name__}: {error} (HOLDFAST_DEBUG=1 shows where; please report it)")
        exit_with(1)


def _complain(text: str) -> None:
    print("holdfast: " + " ".join(text.split()), file=sys.stderr)


if __name__ == "__main__":
    main()
