"""Put the measured numbers into docs/performance.md, between its markers; the text around them is written by hand."""

import argparse
import json
import pathlib
import re

from .check import targets
from .files import ratios
from .works import WORKS

SCALE = {"µs": 1e3, "ms": 1e6}


def table(rows):
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body])


def short(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def systems_of(found):
    seen = {}
    for of in found["works"].values():
        seen.update(dict.fromkeys(of))
    return list(seen)


def files_tables(found):
    wanted, names = targets(), systems_of(found)
    rows = [["work", "tmpfs", "target (with fastcache)", *(n for n in names if n != "tmpfs")]]
    of_ratios = ratios(found)
    for work in WORKS:
        of = found["works"].get(work.name)
        if not of:
            continue
        limit = f"{short(of['tmpfs']['ns'] / SCALE[work.unit])} {work.unit} (±{of['tmpfs']['spread'] / 2:.0f} %)"
        rows.append([work.title, limit, most(wanted.get(work.name, {})), *(cell(of, of_ratios[work.name], n) for n in names if n != "tmpfs")])
    text = f"{found['jobs']} jobs of 18 files, medians of {found['rounds']} rounds; times tmpfs's time, ± half the spread.\n\n"
    return text + table(rows) + "\n" + first_walk(found) + unmeasured(found["skipped"])


def unmeasured(skipped):
    """A line for each system that did not start, or failed in the works named: the first reason, without its paths."""
    reasons, works = {}, {}
    for name, why in skipped.items():
        system, _, work = name.partition(" ")
        reasons.setdefault(system, re.sub(r"\S*/\S+:? ?", "", why))
        works.setdefault(system, []).append(work)
    return "".join(f"\nNot measured: {system} {', '.join(works[system])} ({why})." for system, why in reasons.items())


def most(wanted):
    """The targets of a work, icejobfs's first."""
    return " / ".join(f"≤ {ratio:g}" for ratio in wanted.values()) or "–"


def cell(of, of_ratios, name):
    return f"{short(of_ratios[name])} (±{of[name]['spread'] / 2:.0f} %)" if name in of else "–"


def first_walk(found):
    of = found["works"].get("grep-first", {})
    rates = ", ".join(f"{name} {1e9 / row['ns']:,.0f}" for name, row in of.items())
    return f"\nFirst walk, files a second: {rates}.\n" if rates else ""


def api_tables(found):
    wrk, cold = found["wrk_per_s"], found["cold_per_s"]
    of_wrk = f"wrk {wrk:,.0f}: {found['cold_of_wrk']:.2f} of it" if wrk else "wrk is not installed"
    return table(
        [
            ["API side", "measured", "beside it"],
            ["processor seconds, 1,000 signed https calls of 2 KB, parsed", f"{found['call_cpu_s']:.3f}", f"bare curl multi {found['bare_cpu_s']:.3f}"],
            ["the same through a mount, cold reads", f"{found['daemon_cpu_s']:.3f}", f"simulator {found['simulator_cpu_s']:.3f}, readers {found['readers_cpu_s']:.3f}"],
            ["cold reads a second, 16 at once", f"{cold:,.0f}", f"{of_wrk}; the floor {found['floor_per_s']:,.0f}: {found['cold_of_floor']:.2f} of it"],
            [f"the same, each answer {found['far_ms']} ms late", f"{found['far_per_s']:,.0f}", f"16 in flight at most {16000 / found['far_ms']:,.0f}, one after another {1000 / (found['far_ms'] + found['call_ms']):,.0f}"],
            ["a cold read, one after another", f"{found['cold_ms']:.2f} ms", f"a signed call {found['call_ms']:.2f} ms: {found['above_call_ms']:.2f} ms above it; the floor {found['floor_above_ms']:.2f} ms above a bare one"],
            ["one signature", f"{found['sign_us']:.2f} µs", ""],
            ["a reply of 2 KB, parsed", f"{found['parse_2k_us']:.1f} µs", ""],
            ["a reply of 200 KB, parsed", f"{found['parse_200k_us'] / 1000:.2f} ms", ""],
        ]
    )


def scale_tables(found):
    sizes = list(found)
    rows = [["known jobs", *(f"{int(n):,}" for n in sizes)]]
    for title, get in (
        ("one change, processor ms of the daemon", lambda f: f"{f['change']['cpu_ms']:.2f}"),
        ("`ls` of the jobs, first / again, s", lambda f: f"{f['ls_s']:.3f} / {f['ls_again_s']:.3f}"),
        ("`cat jobs.tsv`, s", lambda f: f"{f['tsv_s']:.3f}"),
        ("memory a job, bytes", lambda f: f"{f['bytes_a_job']:,.0f}"),
        ("start until the mount answers, s", lambda f: f"{f['mount_s']:.2f}"),
        ("reads a second: 2 / 64 readers", lambda f: f"{f['readers_2']:,.0f} / {f['readers_64']:,.0f}"),
        ("1,000 watches of a file have rung, s", lambda f: f"{f['watchers_s']:.2f}" if "watchers_s" in f else ""),
    ):
        rows.append([title, *(get(found[n]) for n in sizes)])
    return table(rows)


PARTS = {"files": files_tables, "api": api_tables, "scale": scale_tables}


def put(text, name, made):
    begin, end = f"<!-- begin {name}: made by make bench -->", f"<!-- end {name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
    if not pattern.search(text):
        raise SystemExit(f"report: docs/performance.md has no part {name}")
    return pattern.sub(lambda _: f"{begin}\n{made}\n{end}", text)


def main():
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--results", default="build/bench", help="folder of the .json files")
    made.add_argument("--doc", default="docs/performance.md")
    options = made.parse_args()
    doc = pathlib.Path(options.doc)
    text = doc.read_text()
    for name, tables in PARTS.items():
        source = pathlib.Path(options.results) / f"{name}.json"
        if source.exists():
            text = put(text, name, tables(json.loads(source.read_text())))
    doc.write_text(text)
