"""The nine socks on sale: names, prices, stock and tags of the real shop, own descriptions and colours."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Sock:
    """One product; the last four fields are how it is drawn."""

    id: str
    name: str
    price: float
    count: int
    tag: tuple[str, ...]
    description: str
    picture: str
    body: str
    accent: str
    pattern: str

    def document(self) -> dict[str, object]:
        """The product as the catalogue tells it."""
        told = {key: asdict(self)[key] for key in ("id", "name", "description", "price", "count", "tag")}
        return told | {"imageUrl": [f"/catalogue/images/{self.picture}_{view}.svg" for view in (1, 2)]}


SOCKS = (
    Sock(
        "03fef6ac-1896-4ce8-bd69-b798f85c6e0b", "Holy", 99.99, 1, ("action", "magic"),
        "A single pair left, knitted with more holes than yarn. For feet that like the weather.",
        "holy", "#efe6d2", "#c9a24b", "holes",
    ),
    Sock(
        "3395a43e-2d88-40de-b95f-e00e1502085b", "Colourful", 18.0, 438, ("brown", "blue"),
        "Six colours in broad bands. Nobody will ask which one you are wearing today.",
        "colourful", "#2f6f9f", "#e4572e", "bands",
    ),
    Sock(
        "510a0d7e-8e83-4193-b483-e27e09ddc34d", "SuperSport XL", 15.0, 820, ("sport", "formal", "black"),
        "A long cushioned sports sock that stays up for a whole marathon, or a whole release.",
        "sport", "#22252b", "#f2f4f7", "rings",
    ),
    Sock(
        "808a2de1-1aaa-4c25-a9b9-6612e8f29a38", "Crossed", 17.32, 738, ("blue", "action", "red", "formal"),
        "Fine diagonal checks for the office, with a cuff that does not leave a mark.",
        "crossed", "#7b2d3b", "#e8b4a0", "checks",
    ),
    Sock(
        "819e1fbf-8b7e-4f6d-811f-693534916a8b", "Figueroa", 14.0, 808, ("green", "formal", "blue"),
        "Combed cotton in bottle green with a quiet rib. The one that goes with everything.",
        "figueroa", "#2e5e4e", "#a9c9a4", "rib",
    ),
    Sock(
        "837ab141-399e-4c1f-9abc-bace40296bac", "Cat socks", 15.0, 175, ("brown", "formal", "green"),
        "Paw prints from heel to cuff. Warm, soft, and no respect for instructions.",
        "cat", "#a4714b", "#f3e3cf", "paws",
    ),
    Sock(
        "a0a4f044-b040-410d-8ead-4de0446aec7e", "Nerd leg", 7.99, 115, ("blue", "skin"),
        "Knee high, with a pocket calculator's worth of pixels on each calf.",
        "nerd", "#4b5fa8", "#d9c2ad", "pixels",
    ),
    Sock(
        "d3588630-ad8e-49df-bbd7-3167f7efb246", "YouTube.sock", 10.99, 801, ("formal", "geek"),
        "Red with small triangles. Looks best on a loop.",
        "play", "#c4302b", "#ffffff", "triangles",
    ),
    Sock(
        "zzz4f044-b040-410d-8ead-4de0446aec7e", "Classic", 12.0, 127, ("brown", "green"),
        "Plain, brown, and the right length. Made the same way since the first pair.",
        "classic", "#6b4a35", "#b08d6a", "plain",
    ),
)  # fmt: skip
TAGS = ("brown", "geek", "formal", "blue", "skin", "red", "action", "sport", "black", "magic", "green")
