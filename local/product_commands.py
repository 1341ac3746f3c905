"""What `tante products` says: what is sold, and what is suggested to whom."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from local.address import segment
from local.asking import At, In, Key, RunningData, asking, err, out

app = typer.Typer(help="Products: what is sold, and what is suggested to whom.")
PAGE, TOGETHER = 100, 500
NO, YES = ("no", "false", "0", "nein", "sold out"), ("yes", "true", "1", "ja", "in stock")
_AMOUNT = re.compile(r"\d{1,12}([.,]\d{1,2})?")  # 1.234 may mean two things
# By each name under which a shop's export may have it.
HEADINGS = {
    "sku": ("sku", "product_id", "article number", "artikelnummer", "id"),
    "name": ("name", "title", "product", "bezeichnung", "artikel", "titel"),
    "category": ("category", "kategorie", "product_type"),
    "price": ("price", "preis"),
    "currency": ("currency", "währung"),
    "url": ("url", "link"),
    "image": ("image", "image_url", "image_link", "bild"),
    "available": ("available", "availability", "verfügbar"),
}

Most = Annotated[int, typer.Option("--most", min=1, help="How many at most.")]


class BadFile(Exception):
    """A file of products that cannot be read; the text says where, and what would be right."""


@app.command("list")
def list_products(most: Most = PAGE, data: RunningData = None, at: At = "", key: Key = "") -> None:
    """Products by their names, and when it was learned last what is bought together."""
    with asking(at, key, data) as tante:
        table, after = Table("sku", "name", "category", "price", "", box=None), ""
        page: dict[str, Any] = {}
        while len(table.rows) < most and (after or not page):
            limit = min(most - len(table.rows), PAGE)
            page = tante.ask("GET", f"/api/products?limit={limit}&after={segment(after)}")
            for one in page["products"]:
                price = f"{one.get('price') or ''} {one.get('currency', '')}".strip()
                note = "" if one.get("available", True) else "not available"
                cells = (one["sku"], one["name"], one.get("category", ""), price, note)
                table.add_row(*map(escape, cells))
            after = page["next"]
        out.print(table if table.rows else "no products: send them with tante products import FILE")
        out.print(escape(_learned(page)), soft_wrap=True)


@app.command("import")
def import_products(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file of products.")],
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Send products from a CSV file with a column sku, a column name, and, as far as known,
    category, price, currency, url, image, available."""
    with asking(at, key, data) as tante:
        try:
            products = read_products(file)
        except BadFile as error:
            err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
            sys.exit(1)
        for first in range(0, len(products), TOGETHER):
            tante.ask("PUT", "/api/products", {"products": products[first : first + TOGETHER]})
        out.print(f"{len(products)} products sent; suggestions follow within a day")


@app.command("forget")
def forget_product(
    sku: Annotated[str, typer.Argument(metavar="SKU")],
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Forget a product: it is suggested no more."""
    with asking(at, key, data) as tante:
        tante.ask("DELETE", f"/api/products/{segment(sku)}")
        out.print(escape(f"{sku} is forgotten"))


@app.command("suggest")
def suggest(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="E-mail address, phone or id.")],
    language: In = "en",
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """What a person does not own yet and might want, and why."""
    from local.find_person import person_segment

    with asking(at, key, data) as tante:
        found = person_segment(tante, person)
        hints = tante.ask("GET", f"/api/people/{found}/hints?in={language}")
        for title, part in (("similar", "similar"), ("better than what they have", "upgrades")):
            out.print(f"[bold]{title}[/]" + ("" if hints[part] else ": nothing"))
            for one in hints[part]:
                price = f" ({one['price']} {one['currency']})" if one["price"] is not None else ""
                out.print(escape(f"  {one['name']}{price}: {one['why']}"), soft_wrap=True)


def read_products(file: Path) -> list[dict[str, Any]]:
    """The products of a CSV file, as the admin API takes them. Raises BadFile."""
    from local.imports.table import BadTable
    from local.imports.table import Table as Sheet

    try:
        sheet = Sheet(file)
        rows = list(sheet.rows())
    except BadTable as error:
        raise BadFile(str(error)) from None
    heading = [cell.strip().lower() for cell in sheet.heading]
    columns = {
        name: next((heading.index(one) for one in called if one in heading), None)
        for name, called in HEADINGS.items()
    }
    for needed in ("sku", "name"):
        if columns[needed] is None:
            raise BadFile(f'{file}: a column "{needed}" is missing')
    return [_product(row.cells, columns, f"{file}, row {row.number}") for row in rows]


def _product(cells: list[str], columns: dict[str, int | None], where: str) -> dict[str, Any]:
    found = {
        name: cells[column].strip()
        for name, column in columns.items()
        if column is not None and column < len(cells) and cells[column].strip()
    }
    for needed in ("sku", "name"):
        if needed not in found:
            raise BadFile(f"{where}: {needed} is missing")
    product: dict[str, Any] = dict(found)
    if "price" in found:
        product["price"] = _price(found["price"], where)
    if "currency" in found:
        product["currency"] = found["currency"].upper()
    if "available" in found:
        product["available"] = _truth(found["available"], where)
    return product


def _price(text: str, where: str) -> str:
    """An amount with a point or a comma before its cents."""
    if not _AMOUNT.fullmatch(text):
        words = f'{where}: "{text}" is not a price; write 1234.50 or 1234,50 without a currency'
        raise BadFile(words)
    return text.replace(",", ".")


def _truth(text: str, where: str) -> bool:
    said = text.lower().replace("_", " ")
    if said in YES or said in NO:
        return said in YES
    raise BadFile(f'{where}: available is "yes" or "no", not "{text}"')


def _learned(page: dict[str, Any]) -> str:
    if not page["learned"]:
        return "nothing was learned yet: that is done once a day"
    return f"learned at {page['learned']} of {page['people']} people who bought something"
