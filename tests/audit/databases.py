"""Databases of one PostgreSQL server, for logs that are kept there."""

import secrets

import psycopg


def run_sql(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(sql.encode())


def make_database(server: str, template: str = "template1") -> str:
    name = f"logs_{secrets.token_hex(4)}"
    run_sql(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.rpartition("/")[0] + "/" + name
