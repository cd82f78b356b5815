"""`make diagrams`: the pictures of README and ARCHITECTURE.md, as SVG.

Boxes are filled and carry white text, lines and captions are a grey that stands out from white and from black, and
there is no background: a picture is legible on light and on dark pages alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"

COLOURS = {
    "client": "#5b6672",
    "edge": "#2b5fa8",
    "core": "#9a4a0f",
    "truth": "#1d6f42",
    "copy": "#6a3f99",
}
LINE = "#7d858f"
TITLE_PX, TEXT_PX, CAPTION_PX = 15, 12.5, 12.5
ROW_PX = 17


@dataclass(frozen=True)
class Box:
    """A filled box: its title, and lines of text below it."""

    x: int
    y: int
    width: int
    height: int
    kind: str
    title: str
    lines: tuple[str, ...] = ()

    def svg(self) -> str:
        """Draw it."""
        middle = self.x + self.width / 2
        top = self.y + (self.height - ROW_PX * len(self.lines)) / 2 + TITLE_PX / 3
        rect = (
            f'<rect x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="7" '
            f'fill="{COLOURS[self.kind]}"/>'
        )
        parts = [
            rect,
            _text(middle, top, self.title, size=TITLE_PX, weight=600, fill="#ffffff"),
        ]
        for number, line in enumerate(self.lines, 1):
            parts.append(_text(middle, top + ROW_PX * number, line, size=TEXT_PX, fill="#ffffff"))
        return "".join(parts)


@dataclass(frozen=True)
class Arrow:
    """A line through points, with a head at its end and a caption at a place of its own."""

    points: tuple[tuple[int, int], ...]
    caption: str = ""
    at: tuple[int, int] = (0, 0)
    anchor: str = "start"
    both: bool = False

    def svg(self) -> str:
        """Draw it."""
        path = " ".join(f"{x},{y}" for x, y in self.points)
        start = ' marker-start="url(#head)"' if self.both else ""
        line = (
            f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-width="2"{start} marker-end="url(#head)"/>'
        )
        if not self.caption:
            return line
        return line + _text(*self.at, self.caption, size=CAPTION_PX, fill=LINE, anchor=self.anchor)


@dataclass(frozen=True)
class Frame:
    """A dashed frame around boxes that belong together, named at its upper left corner."""

    x: int
    y: int
    width: int
    height: int
    title: str

    def svg(self) -> str:
        """Draw it."""
        rect = (
            f'<rect x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="9" fill="none" '
            f'stroke="{LINE}" stroke-width="1.5" stroke-dasharray="5 4"/>'
        )
        return rect + _text(
            self.x + 12, self.y + 18, self.title, size=CAPTION_PX, weight=600, fill=LINE, anchor="start"
        )


@dataclass(frozen=True)
class Picture:
    """A picture of a size, with a sentence for those who do not see it."""

    width: int
    height: int
    description: str
    parts: tuple[Box | Arrow | Frame, ...] = field(default_factory=tuple)

    def svg(self) -> str:
        """Write the file's content."""
        drawn = "\n".join(part.svg() for part in self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" role="img" font-family="system-ui, -apple-system, Segoe UI, Roboto, '
            f'Helvetica, Arial, sans-serif">\n<title>{escape(self.description)}</title>\n'
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            f'orient="auto-start-reverse"><path d="M0,0 L10,5 L0,10 z" fill="{LINE}"/></marker></defs>\n'
            f"{drawn}\n</svg>\n"
        )


def _text(x: float, y: float, text: str, *, size: float, fill: str, weight: int = 400, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


ARCHITECTURE = Picture(
    970,
    490,
    "Clients reach the web process by REST and WebSocket; the order service in it matches batches in a Rust engine "
    "and commits one journal row for each; projector and verifier follow the journal.",
    (
        Box(20, 10, 280, 62, "client", "Traders and their programs", ("REST · WebSocket",)),
        Box(340, 10, 280, 62, "client", "Browsers", ("API forms · back office",)),
        Box(660, 10, 280, 62, "client", "Simulated agents", ("WebSocket, like any client",)),
        Frame(20, 112, 920, 214, "web process"),
        Arrow(((160, 72), (160, 138))),
        Arrow(((480, 72), (480, 138))),
        Arrow(((800, 72), (800, 138))),
        Box(40, 142, 880, 56, "edge", "Edge", ("identity · rate limits · strict shapes · decimals become integers",)),
        Arrow(((130, 198), (130, 244)), "commands", (122, 226), "end"),
        Arrow(((230, 248), (230, 202)), "answers · books, trades, own fills", (240, 226)),
        Box(40, 248, 380, 62, "core", "Order service: one writer", ("queue → batch → commit → reply → publish",)),
        Box(540, 248, 380, 62, "core", "Rust engine", ("duplicate? → risk → match → settle, in memory",)),
        Arrow(((420, 279), (536, 279)), "a batch", (478, 271), "middle", both=True),
        Arrow(((230, 310), (230, 366)), "one row per batch: the commit point", (240, 352)),
        Box(40, 370, 380, 106, "truth", "Journal", ("commands, events, chain hash", "SQLite; PostgreSQL in tests")),
        Arrow(((420, 398), (536, 398))),
        Arrow(((420, 452), (536, 452))),
        Box(540, 370, 380, 50, "copy", "Projector → tables", ("orders, fills, ledger, balances, positions",)),
        Arrow(((920, 395), (950, 395), (950, 170), (924, 170)), "reads", (944, 344), "end"),
        Box(540, 428, 380, 50, "copy", "Verifier: a second engine", ("same events, same hash; makes snapshots",)),
    ),
)

ORDER = Picture(
    960,
    400,
    "The steps of an order: edge, service, bus, writer, engine, journal, reply, feeds, projection, verification.",
    (
        Box(20, 30, 210, 74, "edge", "1 Edge", ("REST or socket", "shape, types, limits")),
        Arrow(((230, 67), (266, 67))),
        Box(270, 30, 210, 74, "edge", "2 Service", ("one command", "MessagePack")),
        Arrow(((480, 67), (516, 67))),
        Box(520, 30, 210, 74, "edge", "3 Bus", ("queue or Unix socket", "one frame a loop turn")),
        Arrow(((730, 67), (766, 67))),
        Box(770, 30, 170, 74, "core", "4 Writer", ("takes a batch", "≤ 500 commands")),
        Arrow(((855, 104), (855, 150))),
        Box(770, 154, 170, 74, "core", "5 Engine.apply", ("Rust, lock released", "once a batch")),
        Arrow(((766, 191), (734, 191))),
        Box(520, 154, 210, 74, "truth", "6 Journal row", ("COMMIT:", "the order is durable")),
        Arrow(((516, 191), (484, 191))),
        Box(270, 154, 210, 74, "core", "7 Reply", ("sequence, state, fills", "consistency token")),
        Arrow(((266, 191), (125, 191), (125, 108)), "answer", (135, 150)),
        Arrow(((560, 228), (560, 262), (375, 262), (375, 298))),
        Arrow(((625, 228), (625, 298))),
        Arrow(((690, 228), (690, 262), (855, 262), (855, 298))),
        Box(270, 302, 210, 74, "edge", "8 Publish", ("book, trades, ticker,", "account channels")),
        Box(520, 302, 210, 74, "copy", "9 Projector", ("tables, exactly once", "at_least waits for it")),
        Box(770, 302, 170, 74, "copy", "10 Verifier", ("executes again", "or halts trading")),
    ),
)

LAYERS = Picture(
    960,
    570,
    "Who may import whom: each row may import the rows below it, never one above.",
    (
        Box(20, 20, 920, 42, "edge", "cift.management · cift.asgi · cift.urls · cift.embedded"),
        Box(20, 72, 300, 54, "edge", "apps.gateways", ("the socket",)),
        Box(330, 72, 300, 54, "edge", "apps.simulation", ("agents, clients of the venue",)),
        Box(640, 72, 300, 54, "edge", "apps.replaying", ("recorded order flow",)),
        Box(
            20,
            136,
            920,
            54,
            "core",
            "apps.orders",
            ("entry · rest · feeds · explaining · monitoring · auditing · matching",),
        ),
        Box(20, 200, 920, 54, "copy", "apps.accounts", ("identity · money · audit · rest · admin",)),
        Box(20, 264, 920, 54, "copy", "apps.marketdata", ("instruments · public messages · streams · recordings",)),
        Box(20, 328, 455, 54, "truth", "cift.backoffice", ("what every app's admin stands on",)),
        Box(485, 328, 455, 54, "truth", "cift.rest", ("what every app's REST calls stand on",)),
        Box(20, 392, 920, 54, "truth", "cift.orderservice", ("how anything reaches the order service",)),
        Box(20, 456, 920, 42, "client", "cift.bus: generic, knows nothing of the domain"),
        Box(20, 508, 920, 42, "client", "cift.backends: a settings dict becomes an object"),
    ),
)

PICTURES: Mapping[str, Picture] = {"architecture": ARCHITECTURE, "order": ORDER, "layers": LAYERS}


def main() -> None:
    """Write all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, picture in PICTURES.items():
        (IMAGES / f"{name}.svg").write_text(picture.svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
