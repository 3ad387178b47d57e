"""What did directed credit buy? Two runs, what happened in each in words, and a figure of the difference."""

import sdpolicy
from sdpolicy.summary import summarize

korea = sdpolicy.simulate("korea")
without = sdpolicy.simulate("korea-no-directed-credit")

for run in (korea, without):
    summary = summarize(run)
    print(f"{summary.title}\n{summary.text}\n")

sdpolicy.figures.comparison(korea, [without]).savefig("counterfactual.svg")
print("The figure is in counterfactual.svg.")
