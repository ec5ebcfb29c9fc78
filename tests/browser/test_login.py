"""Getting in and out, in a browser."""

from playwright.sync_api import Page, expect

from control.portal.limits import ADDRESS_FAILURES
from tests.browser.conftest import Photograph, Visitor


def test_the_right_password_leads_to_the_overview(visitor: Visitor, photograph: Photograph) -> None:
    visitor.page.goto(visitor.portal.url)
    expect(visitor.page).to_have_url(f"{visitor.portal.url}/login")
    expect(visitor.page.get_by_label("User name")).to_be_focused()
    photograph(visitor.page, "login")
    visitor.login()
    expect(visitor.page).to_have_url(f"{visitor.portal.url}/")
    expect(visitor.page.get_by_role("heading", name="All is well")).to_be_visible()
    assert visitor.complaints == []


def test_a_wrong_password_is_said_to_be_wrong(visitor: Visitor, photograph: Photograph) -> None:
    visitor.login("guess")
    expect(visitor.page.get_by_role("alert")).to_have_text("User name or password is wrong.")
    expect(visitor.page.get_by_label("Password")).to_have_value("")
    photograph(visitor.page, "login-wrong")
    visitor.login()
    expect(visitor.page.get_by_role("heading", name="All is well")).to_be_visible()


def test_guessing_is_stopped_and_told_when_to_come_back(visitor: Visitor) -> None:
    for _ in range(ADDRESS_FAILURES):
        visitor.login("guess")
        expect(visitor.page.get_by_role("alert")).to_contain_text("wrong")
    visitor.login()
    expect(visitor.page.get_by_role("alert")).to_contain_text("Try again in")
    visitor.portal.ahead += 61
    visitor.login()
    expect(visitor.page.get_by_role("heading", name="All is well")).to_be_visible()


def test_a_session_that_expires_while_the_page_is_open_leads_to_the_login_and_back(
    visitor: Visitor,
) -> None:
    page = visitor.enter("#/host/manager-2")
    expect(page.get_by_role("heading", name="manager-2")).to_be_visible()
    visitor.portal.ahead += 13 * 3600
    expect(page).to_have_url(f"{visitor.portal.url}/login")
    visitor.login()
    expect(page).to_have_url(f"{visitor.portal.url}/#/host/manager-2")
    expect(page.get_by_role("heading", name="manager-2")).to_be_visible()


def test_a_logout_leads_out(page: Page, visitor: Visitor) -> None:
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{visitor.portal.url}/login")
    page.goto(visitor.portal.url)
    expect(page).to_have_url(f"{visitor.portal.url}/login")
    assert visitor.complaints == []
