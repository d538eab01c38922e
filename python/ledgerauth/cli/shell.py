"""``ledgerauth completion`` and ``ledgerauth man``: what a shell and a reader of manuals want, made from the commands themselves."""

from __future__ import annotations

from argparse import SUPPRESS, _SubParsersAction

from ledgerauth import __version__
from ledgerauth.cli import status
from ledgerauth.cli.parser import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Action, ArgumentParser, Namespace
    from collections.abc import Iterator
    from typing import Any, Callable

    from ledgerauth.cli.screen import Screen

COMPLETION = """\
examples:
  source <(ledgerauth completion bash)                                          # in ~/.bashrc
  ledgerauth completion zsh > "${fpath[1]}/_ledgerauth"
  ledgerauth completion fish > ~/.config/fish/completions/ledgerauth.fish"""

MAN = """\
examples:
  ledgerauth man | man -l -
  ledgerauth man > /usr/local/share/man/man1/ledgerauth.1"""


def add(commands: Any, whole: Callable[[], ArgumentParser]) -> None:
    """Adds the commands; ``whole`` makes the parser that they tell about."""
    parser = command(commands, "completion", _completion, "print what completes this command line in a shell", COMPLETION)
    parser.add_argument("shell", choices=tuple(_SHELLS))
    parser.set_defaults(whole=whole)
    command(commands, "man", _man, "print the manual page", MAN).set_defaults(whole=whole)


def _completion(chosen: Namespace, screen: Screen) -> int:
    text = _SHELLS[chosen.shell](_commands(chosen.whole()))
    screen.result({"ok": True, "shell": chosen.shell, "text": text}, text.rstrip("\n"))
    return status.GOOD


def _man(chosen: Namespace, screen: Screen) -> int:
    text = manual(chosen.whole())
    screen.result({"ok": True, "text": text}, text.rstrip("\n"))
    return status.GOOD


def _children(parser: ArgumentParser) -> Iterator[tuple[str, str, ArgumentParser]]:
    """Name, summary and parser of each command."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            summaries = {choice.dest: choice.help or "" for choice in action._choices_actions}
            yield from ((name, summaries.get(name, ""), child) for name, child in action.choices.items())


def _said(parser: ArgumentParser) -> list[Action]:
    return [action for action in parser._actions if not isinstance(action, _SubParsersAction) and action.help != SUPPRESS]


def _commands(parser: ArgumentParser) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Of each command its summary, and each word that can follow it with what it means."""
    found = {}
    for name, summary, child in _children(parser):
        words = [(option, action.help or "") for action in _said(child) for option in action.option_strings if option.startswith("--")]
        words += [(word, text) for word, text, _ in _children(child)]
        words += [(str(choice), "") for action in _said(child) if not action.option_strings for choice in action.choices or ()]
        found[name] = (summary, words)
    return found


def _bash(commands: dict[str, tuple[str, list[tuple[str, str]]]]) -> str:
    cases = "\n".join(f"    {name}) words='{' '.join(word for word, _ in words)}' ;;" for name, (_, words) in commands.items())
    return f"""\
_ledgerauth() {{
  local words current=${{COMP_WORDS[COMP_CWORD]}}
  case ${{COMP_WORDS[1]}} in
{cases}
    *) words='{" ".join(commands)} --help --version' ;;
  esac
  [ "$COMP_CWORD" -gt 1 ] || words='{" ".join(commands)} --help --version'
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _ledgerauth ledgerauth
"""


def _zsh(commands: dict[str, tuple[str, list[tuple[str, str]]]]) -> str:
    def told(word: str, text: str) -> str:
        return "'" + f"{word}:{text}".replace("'", "'\\''") + "'"

    cases = "\n".join(
        f"    {name}) arguments=({' '.join(told(word, text) for word, text in words)}) ;;" for name, (_, words) in commands.items()
    )
    return f"""\
#compdef ledgerauth
_ledgerauth() {{
  local -a commands arguments
  commands=({" ".join(told(name, summary) for name, (summary, _) in commands.items())})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case ${{words[2]}} in
{cases}
  esac
  _describe argument arguments || _files
}}
# From a folder of fpath, this file is the function's first call.
if [ "$funcstack[1]" = _ledgerauth ]; then
  _ledgerauth "$@"
else
  compdef _ledgerauth ledgerauth
fi
"""


def _fish(commands: dict[str, tuple[str, list[tuple[str, str]]]]) -> str:
    def quoted(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    lines = [f"complete -c ledgerauth -n __fish_use_subcommand -a {name} -d {quoted(summary)}" for name, (summary, _) in commands.items()]
    for name, (_, words) in commands.items():
        after = f"-n '__fish_seen_subcommand_from {name}'"
        for word, text in words:
            what = f"-l {word[2:]}" if word.startswith("--") else f"-a {word}"
            lines.append(f"complete -c ledgerauth {after} {what} -d {quoted(text)}")
    return "\n".join(lines) + "\n"


_SHELLS: dict[str, Callable[[dict[str, tuple[str, list[tuple[str, str]]]]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}


def manual(parser: ArgumentParser) -> str:
    """The manual page, in the language of man(7)."""
    lines = [f'.TH LEDGERAUTH 1 "" "ledgerauth {__version__}"', ".SH NAME", "ledgerauth \\- authentication to accounting and finance APIs"]
    lines += [".SH SYNOPSIS", ".B ledgerauth", ".I COMMAND", "[\\fIARGUMENT\\fR...]", ".SH DESCRIPTION", _plain(parser.description or "")]
    lines += [".SH COMMANDS"]
    for name, summary, child in _children(parser):
        lines += [f".SS {name}", _plain(child.description or summary)]
        for action in _said(child):
            what = ", ".join(action.option_strings) or str(action.metavar or action.dest)
            value = f" {action.metavar}" if action.option_strings and isinstance(action.metavar, str) else ""
            lines += [".TP", f"\\fB{_escaped(what)}\\fR{_escaped(value)}", _plain(action.help or "")]
        if child.epilog:
            lines += [".PP", ".nf", _plain(child.epilog), ".fi"]
    lines += [".SH EXAMPLES AND EXIT STATUS", ".nf", _plain(parser.epilog or ""), ".fi"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")


def _plain(text: str) -> str:
    """Text without a line that roff would take for a request."""
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in _escaped(text).splitlines())
