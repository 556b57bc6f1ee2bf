"""Counts what an incident log says from the file alone, and compares it with what the service says of its import.

    figures.py LOG.csv[.gz] REPORT.json

REPORT.json is what `ticketing report --json` printed. Prints a table, and fails where the two differ.
"""

import collections
import csv
import datetime
import gzip
import json
import sys

SOLVED = {"Resolved", "Closed", "In Call"}


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
        incidents = collections.defaultdict(list)
        for row in csv.DictReader(file):
            row["time"] = datetime.datetime.fromisoformat(row["at"])
            incidents[row["incident"]].append(row)
    return incidents


def state(row):
    if row["status"] == "Completed":
        return "CANCELLED" if row["sub_status"] == "Cancelled" else "SOLVED"
    return {
        "Wait - User": "CUSTOMER",
        "Wait - Customer": "CUSTOMER",
        "Wait - Vendor": "VENDOR",
        "Wait": "HOLD",
        "Wait - Implementation": "HOLD",
    }.get(row["sub_status"], "OPEN")


def percentile(values, share):
    """Between the two nearest, as their distance says."""
    values = sorted(values)
    if not values:
        return 0.0
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


class Incident:
    def __init__(self, rows):
        self.rows = rows
        self.states = []
        for row in rows:
            now = state(row)
            # What nobody recognises leaves things as they are.
            if row["status"] == "Unmatched":
                now = self.states[-1] if self.states else "OPEN"
            self.states.append(now)
        self.levels = [row["level"] for row in rows]
        self.returns, had, team = 0, [], None
        for row in rows:
            if row["team"] != team:
                self.returns += row["team"] in had
                had.append(row["team"])
                team = row["team"]

    def seconds(self, wanted):
        pairs = zip(self.rows, self.rows[1:], self.states)
        return sum((b["time"] - a["time"]).total_seconds() for a, b, state in pairs if state in wanted)

    def solved_at(self):
        """When it was solved last, if it still is."""
        if self.states[-1] != "SOLVED":
            return None
        place = len(self.states) - 1
        while place > 0 and self.states[place - 1] == "SOLVED":
            place -= 1
        return self.rows[place]["time"]

    def first_solved_at(self):
        for row, now in zip(self.rows, self.states):
            if now == "SOLVED":
                return row["time"]
        return None

    def in_call(self):
        """Solved while the customer was on the line: the sub-status with which it was solved last."""
        for place in range(len(self.rows) - 1, -1, -1):
            if self.states[place] != "SOLVED":
                return False
            if self.rows[place]["sub_status"] in ("In Call", "Resolved"):
                return self.rows[place]["sub_status"] == "In Call"
        return False

    def reopened(self):
        return any(a == "SOLVED" and b not in ("SOLVED", "CANCELLED") for a, b in zip(self.states, self.states[1:]))


def count(path):
    incidents = [Incident(rows) for rows in read(path).values()]
    rank = {level: place for place, level in enumerate(sorted({level for it in incidents for level in it.levels}))}
    solved = [it for it in incidents if it.solved_at()]
    once = [it for it in incidents if it.first_solved_at()]
    by = collections.Counter
    start = lambda it: it.rows[0]["time"]
    took = [(it.solved_at() - start(it)).total_seconds() for it in solved]
    answered = [(it.first_solved_at() - start(it)).total_seconds() for it in once]
    lowest = min(rank, key=rank.get)
    live = sum(it.seconds({"OPEN", "CUSTOMER", "VENDOR", "HOLD"}) for it in incidents)
    waited = sum(it.seconds({"CUSTOMER"}) for it in incidents)
    front = sum(all(level == lowest for level in it.levels) for it in solved)
    waiting = sum("CUSTOMER" in it.states for it in incidents)
    first_contact = sum(it.in_call() for it in solved)
    reopened = sum(it.reopened() for it in once)
    return {
        "incidents": len(incidents),
        "events": sum(len(it.rows) for it in incidents),
        "first_level": dict(by(it.levels[0] for it in incidents)),
        "highest_level": dict(by(max(it.levels, key=rank.get) for it in incidents)),
        "returns": sum(it.returns > 0 for it in incidents),
        "return_count": sum(it.returns for it in incidents),
        "solved": len(solved),
        "first_contact": first_contact,
        "first_contact_rate": first_contact / len(solved),
        "push_to_front": front,
        "push_to_front_rate": front / len(solved),
        "reopened": reopened,
        "reopen_rate": reopened / len(once),
        "waited_on_customer": waiting,
        "waited_on_customer_rate": waiting / len(incidents),
        "waiting_on_customer_seconds": int(waited),
        "waiting_on_customer_share": waited / live,
        "resolution_seconds": {"p50": percentile(took, 0.5), "p90": percentile(took, 0.9), "count": len(took)},
        "first_response_seconds": {
            "p50": percentile(answered, 0.5),
            "p90": percentile(answered, 0.9),
            "count": len(answered),
        },
        **moves(incidents, rank),
    }


def moves(incidents, rank):
    """Up is an escalation; back down what was handed up, a hand-back; between teams of one level a transfer."""
    up = down = across = 0
    for it in incidents:
        for a, b in zip(it.rows, it.rows[1:]):
            if a["team"] == b["team"] and a["level"] == b["level"]:
                continue
            up += rank[b["level"]] > rank[a["level"]]
            down += rank[b["level"]] < rank[a["level"]]
            across += b["level"] == a["level"]
    return {"escalations": up, "hand_backs": down, "transfers": across}


def same(ours, theirs):
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    return abs(ours - theirs) <= 1e-9 * max(1, abs(ours))


def main(log, report):
    with open(report, encoding="utf-8") as file:
        theirs = json.load(file)
    differ = 0
    for key, ours in count(log).items():
        fits = same(ours, theirs[key])
        differ += not fits
        print(f"{'same' if fits else 'DIFFERS':8} {key:28} {ours} {'' if fits else theirs[key]}")
    if differ:
        sys.exit(f"{differ} figures differ")
    print(f"figures: all {len(count(log))} are what the file says")


main(*sys.argv[1:])
