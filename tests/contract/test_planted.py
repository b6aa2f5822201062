"""The contract catches what breaks it: method files with one planted break each, in a folder beside the package."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from widgetlib import catalog

ROOT = Path(__file__).parents[2]
GOOD = catalog.entry("heavy_ball").path.read_text(encoding="utf-8")
M = "m = self.beta * s.m + oracle.grad(w)"
W = "w - self.lr * m, State(m), {}"
LAW = "    def stability_limit"
WRONG_P = """    def preconditioner(self, oracle, w, s):
        from widgetlib.core.method import Diagonal

        return Diagonal(2 + 0 * w)

"""
BREAKS = {  # slug: what is replaced, by what, and a check that must fail (None: every check passes)
    "dropped_in": ("Heavy ball", "Dropped in", None),
    "writes_in_place": (M, "m = s.m.mul_(self.beta).add_(oracle.grad(w))", "purity"),
    "draws_globally": (M, M + " + 1e-3 * torch.randn_like(w)", "resume"),
    "remembers": ("(State(m), {})"[1:-1], "State(m), {'a': m.sum(-1, keepdim=True)} if oracle.k else {}", "shapes"),
    "promotes": (W, "w - torch.as_tensor(self.lr, dtype=torch.float64) * m, State(m), {}", "dtype"),
    "mixes_members": (W, "w - self.lr * m / torch.linalg.vector_norm(m), State(m), {}", "batched_equals_looped"),
    "asks_for_free": ("oracle.grad(w)", "oracle.uncounted().grad(w)", "cost"),
    "detaches": ("oracle.grad(w)", "oracle.grad(w).detach()", "meter"),
    "wrong_law": ("(2 + 2 * self.beta)", "(2 + 1.9 * self.beta)", "law"),
    "wrong_reference": ('"beta": "momentum"', '"beta": "dampening"', "reference"),
    "wrong_preconditioner": (LAW, WRONG_P + LAW, "preconditioner"),
    "not_invariant": (M, M + " + 1e-3 * w", "invariances"),
    "no_range": ("Annotated[float, Range(1e-5, 10.0, log=True)]", "float", "declarations"),
    "stale_failure": ("    reference =", '    known_failures = {"purity": "healed"}\n    reference =', "purity"),
}  # fmt: skip


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """What passed and failed: the whole contract for the good file, for the others the check that must fail."""
    root = tmp_path_factory.mktemp("extra")
    folder = root / "methods" / "first_order"
    folder.mkdir(parents=True)
    for slug, (old, new, _) in BREAKS.items():
        assert old in GOOD, f"{slug} replaces what is not there"
        (folder / f"planted_{slug}.py").write_text(GOOD.replace(old, new), encoding="utf-8")
    checks = {f"planted_{slug}": check for slug, (*_, check) in BREAKS.items()}
    wanted = [f"({slug} and test_{check})" if check else slug for slug, check in checks.items()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rfEp", "--tb=no", "-k", " or ".join(wanted),
         "tests/contract/test_contract.py", "tests/contract/test_laws.py"],
        cwd=ROOT, env=os.environ | {"WIDGETLIB_PATH": str(root)}, capture_output=True, text=True,
    )  # fmt: skip
    found = {slug: {"PASSED": set(), "FAILED": set()} for slug in BREAKS}
    for outcome, check, slug in re.findall(r"^(PASSED|FAILED) \S+::test_(\w+)\[planted_(\w+)", done.stdout, re.M):
        found[slug][outcome].add(check)
    assert "rror" not in done.stderr, done.stderr
    return found


@pytest.mark.parametrize("slug", BREAKS)
def test_contract_sees(failures, slug):
    check = BREAKS[slug][2]
    assert failures[slug]["FAILED"] == ({check} if check else set())
    assert check or len(failures[slug]["PASSED"]) >= 12, "the whole contract ran on the file"
