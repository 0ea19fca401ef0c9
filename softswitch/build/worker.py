"""The process that compiles one pushed program: `python -m softswitch.build.worker FOLDER PARENT`.

FOLDER holds `config` (the P4Runtime device config) and `job.json` (a `Job`); when the process ends it also holds
`result.json` and, if that says "done", the files of the compiled pipeline. PARENT is the id of the process that waits.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import traceback
from pathlib import Path

import p4front.p4info  # noqa: F401  loaded before this process gives up what it may read
import softswitch.codegen  # noqa: F401
from p4front.load import load_given
from p4front.text.includes import LIBRARY, GivenFiles
from p4front.text.source import P4Error
from softswitch.build import sandbox
from softswitch.build.cc import INTERFACE_DIR, CompilerFailed, find_compiler, stay_in_session
from softswitch.build.device_config import parse
from softswitch.build.job import Job, Result
from softswitch.build.program import CompileOptions, write_pipeline
from softswitch.errors import ProgramRefused, TooExpensive

_BEYOND_LIMITS = (
    "out of memory",
    "memory exhausted",
    "Cannot allocate memory",
    "Killed",
    "CPU time limit",
    "too large",
)
"""What the C compiler says when it runs into a limit."""


def main() -> None:
    folder, parent = Path(sys.argv[1]), int(sys.argv[2])
    sandbox.end_with(parent)
    stay_in_session()
    os.chdir(folder)
    job = Job.from_json(Path("job.json").read_text(encoding="utf-8"))
    compiler = find_compiler()
    sandbox.limit(job.limits)
    sandbox.separate()
    sandbox.confine(
        [*sandbox.SYSTEM_FOLDERS, *_own_folders(), INTERFACE_DIR, Path(compiler).resolve().parent],
        [folder, "/dev/null"],
    )
    Path("result.json").write_text(compile_job(Path(), job).to_json(), encoding="utf-8")


def _own_folders() -> list[str]:
    """Folders of the modules that are loaded, which may load more of theirs."""
    found = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), str(LIBRARY)}
    for name, module in list(sys.modules.items()):
        if "." not in name:
            found.update(getattr(module, "__path__", ()))
    return sorted(found)


def compile_job(folder: Path, job: Job) -> Result:
    """Fills a folder that holds `config`. Never raises for what the program is."""
    try:
        config = parse((folder / "config").read_bytes())
        files = GivenFiles(config.files, config.include_dirs, config.absolute)
        program = load_given(files, config.main, defines=config.defines)
        write_pipeline(folder, program, CompileOptions(sanitize=job.sanitize))
    except P4Error as error:
        for source in {span.file for d in error.diagnostics for span in (d.span, *(s for _, s in d.notes)) if span}:
            source.path = source.path.removeprefix(f"{LIBRARY}/")
        return Result("refused", str(P4Error(error.diagnostics)))
    except ProgramRefused as error:
        return Result("refused", str(error))
    except TooExpensive as error:
        return Result("expensive", str(error))
    except (MemoryError, RecursionError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else "takes too much memory to compile"
        return Result("expensive", f"the program {what}")
    except CompilerFailed as error:
        if any(sign in error.stderr for sign in _BEYOND_LIMITS):
            return Result("expensive", "the program takes too much time or memory to compile", error.stderr)
        return Result("failed", "the C compiler rejected the code generated for the program", error.stderr)
    except Exception:
        return Result("failed", "internal error", traceback.format_exc())
    return Result("done")


if __name__ == "__main__":
    main()
