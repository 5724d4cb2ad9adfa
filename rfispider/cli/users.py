"""`rfispider users`: who may read the archive and nothing else."""

import os
import sys
from getpass import getpass
from typing import Annotated

import typer
from rich.markup import escape

from rfispider import settings
from rfispider.cli.console import Database, fail, out, with_store_readonly

app = typer.Typer(no_args_is_help=True, help="Users of MongoDB who may read the archive and nothing else.")

Name = Annotated[str, typer.Argument(help="Name of the user.")]


@app.command()
def add(
    name: Name,
    database: Database = settings.MONGO_DATABASE,
    password_env: Annotated[
        str, typer.Option(metavar="VARIABLE", help="Environment variable that holds the password.")
    ] = "",
) -> None:
    """Make a user who may read the archive, or give an existing one another password.

    The password is asked for, or read as a line from standard input when that is no terminal. MONGO_URI must name
    a user with the role userAdmin.
    """
    password = password_for(name, password_env)
    new = with_store_readonly(database, lambda store: store.administration.grant(name, password))
    out.print(f"{escape(name)} may read {escape(database)}" if new else f"{escape(name)} has a new password")


@app.command("list")
def readers(database: Database = settings.MONGO_DATABASE) -> None:
    """List the users who may read the archive and nothing else."""
    for name in with_store_readonly(database, lambda store: store.administration.readers()):
        out.print(escape(name))


@app.command()
def remove(name: Name, database: Database = settings.MONGO_DATABASE) -> None:
    """Remove such a user. Exit status 1 when there is none of this name."""
    if not with_store_readonly(database, lambda store: store.administration.revoke(name)):
        fail(f"{database} has no reader {name}")
    out.print(f"{escape(name)} was removed")


def password_for(name: str, variable: str) -> str:
    """The password that the user is to have.

    Raises:
        BadParameter: there is none, or the two that were typed differ; exit status 2.

    """
    if variable:
        password = os.environ.get(variable, "")
    elif sys.stdin.isatty():
        password = getpass(f"Password for {name}: ")
        if getpass("Again: ") != password:
            raise typer.BadParameter("the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise typer.BadParameter("the password is empty")
    return password
