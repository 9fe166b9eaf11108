"""`zhengling kafka`: what the services may do on the broker."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

kafka = typer.Typer(no_args_is_help=True, help="The broker: what each service may read and write.")


class AclFormat(StrEnum):
    commands = "commands"
    strimzi = "strimzi"


class Authentication(StrEnum):
    scram = "scram-sha-512"
    tls = "tls"


@kafka.callback()
def _group() -> None:
    """Keeps `acls` a command of the group, as its only one would become the group itself."""


@kafka.command("acls", help="Print the access rules of all services, from the event catalogue and their handlers.")
def kafka_acls(
    form: Annotated[
        AclFormat, typer.Option("--format", help="a script for kafka-acls.sh, or Strimzi's KafkaUser documents")
    ] = AclFormat.commands,
    cluster: Annotated[str, typer.Option(help="Strimzi: the Kafka cluster's name")] = "zhengling",
    authentication: Annotated[Authentication, typer.Option(help="Strimzi: how users sign in")] = Authentication.scram,
) -> None:
    from zhengling.contracts import acls

    strimzi = form == AclFormat.strimzi
    typer.echo(acls.as_strimzi(cluster, authentication.value) if strimzi else acls.as_commands(), nl=False)
