"""The tools of hosts that are known by name: which argument is a path, a command or an address, and what is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Does(StrEnum):
    """What a tool does with its argument."""

    READS = "reads"
    SEARCHES = "searches"
    LISTS = "lists"
    WRITES = "writes"
    PATCHES = "patches"
    RUNS = "runs"
    FETCHES = "fetches"
    TALKS = "talks"
    """to its own host or person only: plans, questions, sub-agents whose calls are judged one by one"""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what it does, with which argument, and which others it may have."""

    does: Does
    argument: str = ""
    others: frozenset[str] = frozenset()
    optional: bool = False


def _tool(does: Does, argument: str = "", others: str = "", *, optional: bool = False) -> Tool:
    return Tool(does, argument, frozenset(others.split()), optional)


_SEARCH = (
    "pattern glob output_mode head_limit multiline type -i -n -A -B -C context -o offset include case_sensitive"
    " max_results fixed_strings include_pattern exclude_pattern names_only max_matches_per_file total_max_matches"
)
_SHELL = (
    "description timeout run_in_background workdir cwd directory dir_path is_background login max_output_tokens"
    " yield_time_ms timeout_ms"
    " justification"
)
_EDIT = (
    "old_string new_string replace_all content edits patch expected_replacements instruction ai_proposed_content"
    " modified_by_user allow_multiple"
)
_ORDER = "wait_for_previous delay_ms"  # when Gemini makes a call, beside another
_NOTEBOOK = "cell_id cell_number new_source cell_type edit_mode"

TOOLS: dict[str, Tool] = {
    # Claude Code
    "Read": _tool(Does.READS, "file_path", "offset limit pages"),
    "NotebookRead": _tool(Does.READS, "notebook_path", "cell_id"),
    "Grep": _tool(Does.SEARCHES, "path", _SEARCH, optional=True),
    "Glob": _tool(Does.LISTS, "path", "pattern", optional=True),
    "LS": _tool(Does.LISTS, "path", "ignore", optional=True),
    "Edit": _tool(Does.WRITES, "file_path", _EDIT),
    "MultiEdit": _tool(Does.WRITES, "file_path", _EDIT),
    "Write": _tool(Does.WRITES, "file_path", _EDIT),
    "NotebookEdit": _tool(Does.WRITES, "notebook_path", _NOTEBOOK),
    "Bash": _tool(Does.RUNS, "command", _SHELL),
    "WebFetch": _tool(Does.FETCHES, "url", "prompt"),
    "WebSearch": _tool(Does.TALKS, "", "query allowed_domains blocked_domains"),
    # Codex
    "shell": _tool(Does.RUNS, "command", _SHELL),
    "shell_command": _tool(Does.RUNS, "command", _SHELL),
    "local_shell": _tool(Does.RUNS, "command", _SHELL),
    "exec_command": _tool(Does.RUNS, "cmd", _SHELL),
    "apply_patch": _tool(Does.PATCHES, "input", "patch command"),
    "view_image": _tool(Does.READS, "path"),
    # Gemini
    "run_shell_command": _tool(Does.RUNS, "command", f"{_SHELL} {_ORDER}"),
    "read_file": _tool(
        Does.READS, "file_path", "offset limit absolute_path path start_line end_line wait_for_previous"
    ),
    "list_directory": _tool(
        Does.LISTS, "dir_path", "ignore path file_filtering_options wait_for_previous", optional=True
    ),
    "glob": _tool(
        Does.LISTS,
        "dir_path",
        "pattern case_sensitive respect_git_ignore respect_gemini_ignore path wait_for_previous",
        optional=True,
    ),
    "grep_search": _tool(Does.SEARCHES, "dir_path", f"{_SEARCH} {_ORDER}", optional=True),
    "search_file_content": _tool(Does.SEARCHES, "dir_path", f"{_SEARCH} {_ORDER}", optional=True),
    "write_file": _tool(Does.WRITES, "file_path", f"{_EDIT} {_ORDER}"),
    "replace": _tool(Does.WRITES, "file_path", f"{_EDIT} {_ORDER}"),
    "google_web_search": _tool(Does.TALKS, "", "query"),
    "web_fetch": _tool(Does.FETCHES, "prompt", _ORDER),
}
_TALK = (
    "TodoWrite TodoRead TaskCreate TaskUpdate TaskList TaskGet TaskOutput TaskStop Task Agent AskUserQuestion"
    " ExitPlanMode EnterPlanMode"
    " BashOutput KillBash KillShell ScheduleWakeup Skill ToolSearch ListMcpResources ListMcpResourcesTool StructuredOutput Sleep"
    " update_plan write_todos ask_user request_user_input activate_skill update_topic list_background_processes"
    " read_background_output enter_plan_mode exit_plan_mode"
)
TOOLS |= {name: Tool(Does.TALKS) for name in _TALK.split()}
