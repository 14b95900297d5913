"""Secrets in addresses are found and hidden by the structure of the address."""

from __future__ import annotations

import pytest

from stormcnn.addresses import hide_secrets, secret_parts, without_secrets

SECRET = "mar-ker"
ADDRESSES = [
    f"https://{SECRET}@example.org/a",
    f"https://ann:{SECRET}@example.org/a",
    f"https://ann:p@{SECRET}@example.org/a",
    f"https://ann:p/{SECRET}@example.org/a",
    f"https://ann:p?{SECRET}@example.org/a",
    f"https://ann:p#{SECRET}@example.org/a",
    f"//ann:{SECRET}@example.org/a",
    f"https://example.org/a?{SECRET}",
    f"https://example.org/a?b=c&token={SECRET}",
    f"https://example.org/a?mail=a@b&token={SECRET}",
    f"https://example.org/a;{SECRET}",
    f"https://example.org/a;{SECRET}/b",
    f"https://example.org/a#{SECRET}",
    f"postgresql://host/db?password={SECRET}",
    f"mssql+pyodbc:///?odbc_connect=PWD%3D{SECRET}",
    f"https://[example.org/{SECRET}",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_secret_is_found_and_hidden(address: str) -> None:
    assert SECRET in "".join(secret_parts(address).values())
    assert SECRET not in without_secrets(address)
    assert SECRET not in hide_secrets(f"GET '{address}' failed.")
    assert SECRET not in hide_secrets(f"The value {SECRET} was refused.", [address])


@pytest.mark.parametrize("address", [f"ann:{SECRET}@host/a", f"host/a?token={SECRET}"])
def test_secret_of_an_address_without_scheme_is_found(address: str) -> None:
    assert SECRET in "".join(secret_parts(address).values())
    assert SECRET not in without_secrets(address)
    assert SECRET not in hide_secrets(f"GET {address} failed.", [address])


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:///registry/mlflow.db",
        "https://example.org:8080/a/b.tar.gz",
        "http://[::1]:5000",
        "registry/mlflow.db",
        "",
    ],
)
def test_address_without_secrets_stays(address: str) -> None:
    assert secret_parts(address) == {}
    assert without_secrets(address) == address
    assert hide_secrets(f"{address} failed") == f"{address} failed"


@pytest.mark.parametrize(
    "address",
    [
        f"https://ann:p?w'{SECRET}@example.org/a",
        f"https://ann:p#w>{SECRET}@example.org/a",
        f"https://ann:p'{SECRET}@example.org/a",
        f'https://example.org/a?b="c"{SECRET}',
        f"https://example.org/a?b=(c){SECRET}",
        f"https://example.org/a#b<c>{SECRET}",
        f"https://example.org/a;b'{SECRET}",
    ],
)
def test_quotes_and_brackets_do_not_end_a_secret(address: str) -> None:
    assert SECRET not in hide_secrets(f"GET '{address}' failed.")
    assert SECRET not in hide_secrets(f"GET '{address}' failed.", [address])


@pytest.mark.parametrize(
    "address", ["http://ann:p?w {}@host/a", "http://ann:p?w'x {}@host/a", "host/a?b='c'{}"]
)
def test_known_secret_is_hidden_whatever_characters_it_contains(address: str) -> None:
    address = address.format(SECRET)
    text = hide_secrets(f"GET {address} failed.", [address])
    assert SECRET not in text
    assert text.startswith("GET ")
    assert text.endswith(" failed.")


def test_query_is_hidden_up_to_the_next_space() -> None:
    assert hide_secrets(f"GET /a?b=(c)'{SECRET} failed.") == "GET /a?*** failed."


def test_encoded_secret_is_hidden_in_both_forms() -> None:
    assert "cret" not in hide_secrets("s%26cret and s&cret", ["http://ann:s%26cret@host"])


def test_other_secrets_are_hidden() -> None:
    assert hide_secrets("The token abc-1 is invalid.", secrets=["abc-1"]) == (
        "The token *** is invalid."
    )
