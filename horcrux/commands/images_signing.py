"""Verbs about images' signatures: sign, verify."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from horcrux.context import AsJson, Environment, Outputs, context, print_json
from horcrux.exits import Exit, HorcruxError
from horcrux.images import resolve
from horcrux.images.client import Client
from horcrux.images.located import located
from horcrux.images.names import Name, whole
from horcrux.images.resolve import Answer
from horcrux.progress import console, output

Image = Annotated[str, typer.Argument(help="As settings name it: 127.0.0.1:8500/shop:1.4")]


def sign(
    image: Image,
    key: Annotated[
        Path,
        typer.Option(
            help="File with the private key: cosign.key, or PKCS#8 in PEM. Its passphrase is asked for, or "
            "in the variable HORCRUX_KEY_PASSPHRASE."
        ),
    ],
    stack: Environment = None,
) -> None:
    """Sign an image of the environment's registry, and push the signature beside it."""
    from horcrux.signatures import signed_images, signing, signing_key_file
    from horcrux.signatures.kept_signatures import Reader
    from horcrux.signatures.signing_keys import fingerprint

    registry = context.outputs(stack).values["registry"]
    if not resolve.in_registry(registry, image):
        raise HorcruxError(
            f"{image} is not in the environment's registry, and a signature lies beside its image: sign it "
            "where it is (cosign sign), or push it here first (horcrux registry credentials)",
            Exit.USAGE,
        )
    answer = resolve.of_registry(registry, image)
    private = signing_key_file.read(key)
    by = private.public_key()
    name, _, _ = answer.written.partition("@")
    repository = Name.of(answer.written).repository
    with Client(resolve.REGISTRY, registry) as client:
        kept = Reader(client, repository, answer.digest).layers()
        if signing.proven(kept.signatures, answer.digest, [by]).signers:
            console().print(f"{answer.written}\nis signed by the key {fingerprint(by)} already")
            return
        new = signing.signed(private, name, answer.digest)
        signed_images.add(client, repository, answer.digest, new)
    console().print(f"{answer.written}\n[green]✓[/] signed by the key {fingerprint(by)}")


def verify(
    image: Image,
    key: Annotated[
        Path | None,
        typer.Option(
            help="File with the public key that must have signed it. Default: horcrux:images.signatures."
        ),
    ] = None,
    stack: Environment = None,
    as_json: AsJson = False,
) -> None:
    """Who signed an image; fails when nobody did whose signature it needs."""
    outputs = context.outputs(stack)
    needed = [_key_of(key)] if key else _keys_of_settings(outputs, image)
    answer = resolve.find(outputs.values, image)
    signers = _signers(outputs.values, answer, needed)
    if as_json:
        print_json({"image": answer.written, "digest": answer.digest, "signed_by": signers})
        return
    output().print(answer.written, markup=False)
    for signer in signers:
        output().print(f"[green]✓[/] signed by the key {signer}")


def _signers(
    values: Mapping[str, Any], answer: Answer, needed: Sequence[Sequence[str]]
) -> list[str]:
    """The keys that signed it, each once; at least one of each of those that are needed."""
    from horcrux.signatures import signed_images

    it = located(values, answer.pulled)
    signers: dict[str, None] = {}
    with Client(it.what, it.place) as client:
        for keys in needed:
            signers |= dict.fromkeys(signed_images.check(client, it.repository, it.digest, keys))
    return list(signers)


def _key_of(file: Path) -> list[str]:
    from horcrux.signatures import signing_key_file, signing_keys

    try:
        pem = signing_key_file.content(file).decode()
        signing_keys.public(pem)
    except UnicodeDecodeError:
        raise HorcruxError(f"{file} is not a public key in PEM", Exit.USAGE) from None
    except ValueError as error:
        raise HorcruxError(f"{file} {error}", Exit.USAGE) from None
    return [pem]


def _keys_of_settings(outputs: Outputs, image: str) -> list[tuple[str, ...]]:
    from horcrux.signatures import signing_rules

    rules = outputs.project.settings().images.signatures
    name = whole(image, own=resolve.in_registry(outputs.values["registry"], image))
    needed = [rule.keys for rule in signing_rules.about(rules, (name,))]
    if not needed:
        raise HorcruxError(
            f"no rule in horcrux:images.signatures is about {name}, so it needs no signature; "
            "name a key (--key FILE), or add a rule",
            Exit.USAGE,
        )
    return needed


def register(group: typer.Typer) -> None:
    """Add the verbs to those about images."""
    group.command()(sign)
    group.command()(verify)
