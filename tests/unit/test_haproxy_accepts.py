"""What is rendered for HAProxy, asked of HAProxy itself."""

import http.client
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.app_spec import edge_label
from control.backend import MOST_WEIGHT, backends
from control.haproxy import CONFIG, ROUTES, Bundle, render
from horcrux.settings import parse
from tests.support.haproxy_check import refusal, running
from tests.support.swarm_objects import service, traffic

# Each example holds many apps, for one check of HAProxy's costs as much as making all of them.
RARELY = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?(\.[a-z0-9]{1,5}){0,3}", fullmatch=True)
PATHS = st.from_regex(r"/[A-Za-z0-9._~%/-]{0,20}", fullmatch=True)
CHECKS = st.text(string.ascii_letters + string.digits + string.punctuation, max_size=40)
SECONDS = st.integers(1, 86400)
APPS = st.fixed_dictionaries(
    {
        "image": st.just("app"),
        "port": st.integers(1, 65535),
        "routes": st.lists(st.one_of(PATHS, st.tuples(HOSTS, PATHS).map("".join)), max_size=3),
        "replicas": st.integers(0, 9),
        "edge": st.fixed_dictionaries(
            {
                "body_limit": st.one_of(st.integers(0, 2**80), st.just("999999999999999T")),
                "rate_limit": st.one_of(st.none(), st.integers(1, 2**80)),
                "timeout": SECONDS,
                "tunnel_timeout": SECONDS,
            }
        ),
        "health": st.one_of(st.none(), st.fixed_dictionaries({"http": CHECKS.map("/{}".format)})),
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("haproxy")


def rendered(raw: dict[str, Any]) -> Bundle:
    """What the edge gets when an environment with these settings is up."""
    told = parse(raw, "dev")
    services, configs = [], []
    for name, app in told.apps.items():
        if app.routes:
            label = edge_label(name, app, "dev", told.domain)
            services.append(service(f"{name}-0a1b2c3d", label, app=name, replicas=app.replicas))
            configs.append(traffic(name, {f"{name}-0a1b2c3d": 100}))
    found, problems = backends(services, configs)
    assert problems == [], "settings that are valid must have no problem at the edge"
    return render(found)


@RARELY
@given(apps=st.dictionaries(NAMES, APPS, min_size=1, max_size=12), domain=HOSTS)
def test_haproxy_takes_what_valid_settings_lead_to(
    apps: dict[str, Any], domain: str, folder: Path
) -> None:
    apps = {n: a for n, a in apps.items() if n not in ("edge", "control", "horcrux", "registry")}
    taken: set[str] = set()
    for name, app in apps.items():  # two apps cannot have one route, and no app has it twice
        hosts = {
            r: (r.partition("/")[0] or name, r.partition("/")[2].strip("/")) for r in app["routes"]
        }
        fresh = {str(key): route for route, key in hosts.items() if str(key) not in taken}
        app["routes"] = list(fresh.values())
        taken |= set(fresh)
    bundle = rendered({"apps": apps, "domain": f"{domain}.test"})
    assert refusal(bundle, folder) == "", bundle.files[CONFIG]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda j: st.lists(j, max_size=3) | st.dictionaries(st.text(max_size=5), j, max_size=3),
    max_leaves=5,
)  # fmt: skip
ODD = st.one_of(
    JSON, st.integers(0, 2**70), st.text(max_size=20), st.text("/a'\"\\ \n$%{}#", max_size=9)
)
NEARLY = st.fixed_dictionaries(
    {"port": st.one_of(st.integers(1, 65535), ODD), "routes": st.one_of(
        st.lists(st.one_of(st.tuples(HOSTS, PATHS), st.tuples(ODD, ODD), ODD), max_size=3), ODD)},
    optional=dict.fromkeys(("body_limit", "rate_limit", "timeout", "tunnel_timeout"), ODD)
    | {"check": st.one_of(ODD, CHECKS.map("/{}".format))}
    | {"tester": st.one_of(ODD, st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,9}", fullmatch=True))}
    | {"hold": st.one_of(ODD, st.integers(1, 2**70))}
    | dict.fromkeys(("sticky", "sleeps"), st.one_of(st.booleans(), st.booleans(), ODD)),
)  # fmt: skip
LABELS = st.one_of(NEARLY, NEARLY, JSON, st.text(max_size=30))
LABEL_NAMES = st.one_of(
    st.from_regex(r"[A-Za-z0-9._-]{1,63}", fullmatch=True), st.text(max_size=10)
)


@RARELY
@given(
    found=st.lists(st.tuples(LABEL_NAMES, LABEL_NAMES, LABELS, st.booleans()), max_size=25),
    weights=st.lists(st.tuples(LABEL_NAMES, st.one_of(JSON, st.text(max_size=9))), max_size=5),
    data=st.data(),
)
def test_no_label_whatsoever_makes_a_configuration_that_haproxy_refuses(
    found: list[Any], weights: list[Any], data: st.DataObject, folder: Path
) -> None:
    services = [service(name, label, app=app, release=r) for name, app, label, r in found]
    configs = [traffic(app, w) for app, w in weights]
    for _, app, _, _ in found:  # and weights that fit
        chosen = data.draw(st.lists(st.integers(0, MOST_WEIGHT), min_size=3, max_size=3))
        shares = {s["Spec"]["Name"]: chosen[i % 3] for i, s in enumerate(services)}
        configs.append(traffic(app, shares))
    bundle = render(backends(services, configs)[0])
    assert refusal(bundle, folder) == "", bundle.files[CONFIG]


def test_the_same_backends_have_the_same_version_in_any_order() -> None:
    a = service("a", {"port": 80, "routes": [["a.test", "/"]]}, app="a", release=False)
    b = service("b", {"port": 80, "routes": [["b.test", "/"]]}, app="b", release=False)
    assert render(backends([a, b], [])[0]).version == render(backends([b, a], [])[0]).version
    assert render(backends([a], [])[0]).version != render(backends([a, b], [])[0]).version


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A running edge with four apps, and how to ask it."""
    routes = {
        "site": [["www.test", "/"]],
        "shop": [["www.test", "/shop"]],
        "cart": [["www.test", "/shop/cart"]],
        "small": [["small.test", "/"]],
    }
    extra = {"small": {"body_limit": 10}}
    services = [
        service(name, {"port": 80, "routes": r, **extra.get(name, {})}, app=name, release=False)
        for name, r in routes.items()
    ]
    bundle = render(backends(services, [])[0])
    with running(bundle, tmp_path_factory.mktemp("edge")) as port:

        def ask(host: str, path: str, body: bytes | None = None) -> tuple[int, str]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("POST" if body else "GET", path, body, {"Host": host})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

        yield ask


@pytest.mark.parametrize(
    ("host", "path", "app"),
    [
        ("www.test", "/", "site"),
        ("www.test", "/about", "site"),
        ("WWW.Test:8080", "/", "site"),
        ("www.test", "/shop", "shop"),
        ("www.test", "/shop/", "shop"),
        ("www.test", "/shop?x=/shop/cart", "shop"),
        ("www.test", "/shop/shirts", "shop"),
        ("www.test", "/shopping", "site"),
        ("www.test", "/shop.html", "site"),
        ("www.test", "/Shop", "site"),
        ("www.test", "/shop/cart", "cart"),
        ("www.test", "/shop/cart/7", "cart"),
        ("www.test", "/shop/cartoons", "shop"),
        ("www.test", "/x/shop", "site"),
    ],
)
def test_the_longest_route_that_fits_gets_the_request(
    edge: Any, host: str, path: str, app: str
) -> None:
    assert edge(host, path) == (200, app)


@pytest.mark.parametrize("host", ["test", "ww.test", "www.test.evil", "xwww.test", "www"])
def test_a_host_that_nobody_has_is_not_found(edge: Any, host: str) -> None:
    status, page = edge(host, "/")
    assert status == 404
    assert "No application answers at this address" in page


def test_a_body_above_the_limit_is_refused(edge: Any) -> None:
    assert edge("small.test", "/", b"x" * 10) == (200, "small")
    assert edge("small.test", "/", b"x" * 11)[0] == 413


def test_the_map_ends_every_route_with_a_slash() -> None:
    rules = {"port": 80, "routes": [["a.test", "/"], ["a.test", "/shop"], ["b.test", "/x/y/"]]}
    found, _ = backends([service("web", rules, release=False)], [])
    assert (
        render(found).files[ROUTES]
        == "a.test/ app-web:web\na.test/shop/ app-web:web\nb.test/x/y/ app-web:web\n"
    )
