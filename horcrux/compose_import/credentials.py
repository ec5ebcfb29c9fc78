"""Secrets between services: what databases provide, which secret is which, and what to tell."""

from collections.abc import Sequence

from horcrux.compose_import.draft import SECRET_FILES, Draft
from horcrux.compose_import.known_images import Account
from horcrux.compose_import.notes import Notes


def add_credentials(draft: Draft) -> None:
    """`provides` of a database: its scheme, account, name and which secret is the password."""
    known, env = draft.known, draft.app["env"]
    if not known.scheme:
        return
    provides = {"scheme": known.scheme}
    with_password = [a for a in known.accounts if _secret_of(draft, a)]
    account = next(iter(with_password or [a for a in known.accounts if a.user]), None)
    if account:
        user = env.get(account.user_variable or "") or account.user
        provides |= {"username": user} if user else {}
    if database := next((env[v] for v in known.database if env.get(v)), None):
        provides["database"] = database
    if account and (secret := _secret_of(draft, account)):
        provides["secret"] = secret
    draft.app["provides"] = provides


def _secret_of(draft: Draft, account: Account) -> str | None:
    """The app's secret that the account's password is."""
    file = draft.app["env"].get(f"{account.password}_FILE", "")
    name = file.removeprefix(f"{SECRET_FILES}/")
    return name if name in draft.secrets else None


def share_secrets(drafts: Sequence[Draft], notes: Notes) -> None:
    """A secret that a bound app provides need not be set twice: it is there through the binding."""
    apps = {draft.name: draft for draft in drafts}
    for draft in drafts:
        for bound in (apps[name] for name in draft.app["bind"]):
            provided = bound.app.get("provides", {}).get("secret")
            if not provided or not bound.secrets[provided].origin[1]:
                continue
            for name, use in list(draft.secrets.items()):
                if use.origin != bound.secrets[provided].origin:
                    continue
                file = f"{bound.name}-{provided}"
                draft.replace_text(f"{SECRET_FILES}/{name}", f"{SECRET_FILES}/{file}")
                del draft.secrets[name]
                notes.add(use.path, _shared(draft, bound, use.becomes, file))


def _shared(draft: Draft, bound: Draft, variable: str, file: str) -> str:
    text = f"is the secret that {bound.name} provides, the file {SECRET_FILES}/{file}"
    if variable:
        return f"{text}; {draft.name} reads it through {variable}"
    if f"{SECRET_FILES}/{file}" in str(draft.app):
        return text
    return f"{text}; have {draft.name} read that"


def settle_secrets(draft: Draft, notes: Notes) -> None:
    """The secrets that the app has of its own, and how to set them."""
    draft.app["secrets"] = {name: {} for name in draft.secrets}
    for name, use in draft.secrets.items():
        command = f"set it with `horcrux secrets set {draft.name} {name}`{use.hint}"
        if use.becomes:
            what = (
                f"is now the secret {name}, which the image reads through {use.becomes}; {command}"
            )
        elif use.origin[0] == "secret":
            file = f", the file {SECRET_FILES}/{name} now" if use.file_before else ""
            what = f"is the secret {name} of {draft.name}{file}; {command}"
        else:
            what = (
                f"looks like a secret, so it is no variable any more but the file "
                f"{SECRET_FILES}/{name}; have the app read that, and {command}"
            )
        notes.add(use.path, what)
