"""What `--help` says beyond one line for each option. A paragraph that starts with BLOCK keeps its lines."""

from __future__ import annotations

from typing import Final

from sdpolicy.cli.guard import MEANING

BLOCK: Final = "\b\n"


def _paragraphs(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs)


EXIT_CODES: Final = "Exit codes: " + ", ".join(f"{code.value} {text}" for code, text in MEANING.items()) + "."

APP: Final = _paragraphs(
    "Run system dynamics models of growth and policy, and see what happened and why.",
    "A scenario is a small text file that says which model to run and what to change in it. Start here:",
    f"""{BLOCK}  sdpolicy list                   what can be run
  sdpolicy run korea              run it, and say in words what happened
  sdpolicy run korea --out out    ... and write data, figures and a manifest
  sdpolicy verify out             run it again and compare""",
    "sdpolicy COMMAND --help explains a command with examples.",
)

LIST: Final = _paragraphs(
    "List the models and their scenarios, with the question that each asks.",
    "A name from this list is what run takes.",
)

RUN: Final = _paragraphs(
    "Run scenarios and say in words what happened.",
    "Without --out nothing is written. With it, every scenario leaves its data (netCDF and CSV) and a "
    "figure, several scenarios a comparison as well (the first is the baseline), and a manifest says what "
    "was run with what. What the command line sets wins over the scenario, which wins over the model.",
    f"""{BLOCK}Examples:
  sdpolicy run korea
  sdpolicy run korea korea-no-directed-credit --out out
  sdpolicy run korea --method rk4 --step 0.125
  sdpolicy run korea --set "name of a constant=0.03"
  sdpolicy run my-scenario.toml --out out --format png --format pdf
  sdpolicy run my-model.mdl""",
    "Put double quotes around a setting whose name has a space, an & or a parenthesis; they work in every "
    'shell. The value may bear a unit, which is converted: "delay=18 month".',
)

LECTURE: Final = _paragraphs(
    "Make the page of a lecture: one HTML file with model, sliders, graphs, loops and story.",
    "The page runs the model itself. It opens with a double click and needs no network.",
    f"""{BLOCK}Examples:
  sdpolicy lecture catch-up
  sdpolicy lecture catch-up -o talk.html
  sdpolicy lecture my-story.toml""",
)

LOOPS: Final = _paragraphs(
    "Say which feedback loops drive a run, and when that changes.",
    "A loop's share is its part of all change from one step to the next. Loops through the same stocks are taken "
    "together; where even so no few hold most, the loops that the model's file names are compared with each other. "
    "--members says in which share of many members each named loop leads, --half-step what leads with half the step, "
    "--eigenvalues how fast the run would go on by itself and which loops that hangs on, as a second method. "
    "--cuts repeats the run without each named loop and shows what the loop file ascribes to it, or each --output; "
    "--book prints that table alone, each loop in the scenario in which it is judged.",
    f"""{BLOCK}Examples:
  sdpolicy loops korea
  sdpolicy loops korea --at 1975 --at 1985 --at 1995 --out out
  sdpolicy loops korea --members 1000 --seed 1 --half-step
  sdpolicy loops korea --eigenvalues --at 1975 --at 1995 --out out
  sdpolicy loops korea --cuts --top 20
  sdpolicy loops korea --output output --output "debt equity ratio" --at 1996
  sdpolicy loops korea --book > cuts.md""",
)

CAUSES: Final = _paragraphs(
    "Say what a variable is computed from, and draw it over its causes and theirs.",
    f"""{BLOCK}Example:
  sdpolicy causes korea investment --out out""",
)

WHY: Final = _paragraphs(
    "Say why two runs differ: what each policy adds, what pairs do together, and which loops carry it.",
    "What each policy adds is its Shapley value: the average over all orders in which the policies can be made. "
    "They add up to the difference.",
    f"""{BLOCK}Example:
  sdpolicy why korea korea-no-opening --output output --at 2000""",
)

SCHEMA: Final = _paragraphs(
    "Print the JSON Schema of scenario files, with which editors complete and check them.",
    f"""{BLOCK}Example:
  sdpolicy schema > scenario.schema.json""",
    "Editors that know TOML schemas (Even Better TOML, Taplo) then read this first line of a scenario:",
    f"""{BLOCK}  #:schema ./scenario.schema.json""",
)

VERIFY: Final = _paragraphs(
    "Run again what a folder's manifest says, and compare number by number.",
    "Exit code 0 says that all is equal, 1 that something differs, and what.",
    f"""{BLOCK}Example:
  sdpolicy verify out""",
)

CHECK: Final = _paragraphs(
    "Check models and scenarios, and say for each check what was demanded and what was found.",
    "Checked are the units of every equation; what the file MODEL.checks.toml beside the model demands "
    "(extreme conditions, accounts that sum to zero, a balanced start, nothing negative, integration), with "
    "the scenario's values; the scenario's own claims; and, for the baseline of a country, the facts.",
    f"""{BLOCK}Examples:
  sdpolicy check core
  sdpolicy check korea korea-no-opening
  sdpolicy check korea --json""",
)

COMPARE: Final = _paragraphs(
    "Set the outcomes of scenarios side by side: when catch-up and a crisis came, how high debt rose, how far "
    "upgrading went, what was produced; with differences from a baseline, and how many claims hold.",
    "The baseline of a scenario is the one that it is built on, if that is among those named, else the first. "
    "With --out, the runs, both tables and a figure are written.",
    f"""{BLOCK}Examples:
  sdpolicy compare korea korea-taiwan-finance korea-no-opening
  sdpolicy compare korea korea-no-opening --out out --format png""",
)

CALIBRATE: Final = _paragraphs(
    "Estimate parameters from the facts that a fit may see, and say what those do not tell.",
    "FILE lists parameters with bounds and priors, and the baselines of the countries. Searches start from many "
    "places; each is kept in DIR/restarts when it is done, and a second call goes on where the first one stopped. "
    "Held-out facts are scored after the fit and never enter it.",
    f"""{BLOCK}Examples:
  sdpolicy calibrate core-korea --out fit
  sdpolicy calibrate my.calibration.toml --out fit --starts 20 --seed 1
  sdpolicy calibrate core-korea --out fit --steps 0 --no-profiles""",
    "The posterior sample needs the package emcee: pip install 'sdpolicy[calibration]'.",
)
