"""Draws a sock as SVG: one outline, one pattern, two colours."""

from __future__ import annotations

from reference.sock_shop.socks import Sock

OUTLINE = (
    "M150 84H276V318C276 346 288 362 312 377L380 419C420 444 424 500 390 526C366 544 338 541 312 528"
    "L188 462C162 448 150 424 150 394Z"
)
PATTERNS = {
    "plain": (8, 8, ""),
    "rib": (14, 14, '<path d="M7 0V14" stroke="{accent}" stroke-opacity=".28" stroke-width="3"/>'),
    "rings": (60, 120, '<path d="M0 30H60M0 48H60" stroke="{accent}" stroke-width="7"/>'),
    "bands": (
        60,
        168,
        "".join(
            f'<rect y="{28 * row}" width="60" height="28" fill="{colour}"/>'
            for row, colour in enumerate(("#2f6f9f", "#5aa9a2", "#f2c14e", "#e4572e", "#8e4162", "#473144"))
        ),
    ),
    "checks": (36, 36, '<path d="M0 0L36 36M36 0L0 36" stroke="{accent}" stroke-width="3"/>'),
    "holes": (34, 34, '<circle cx="17" cy="17" r="8" fill="#fff"/><circle cx="17" cy="17" r="8" fill="none"'
                      ' stroke="{accent}" stroke-width="2"/>'),
    "paws": (56, 56, '<g fill="{accent}"><ellipse cx="28" cy="34" rx="9" ry="8"/><circle cx="16" cy="24" r="4"/>'
                     '<circle cx="24" cy="18" r="4"/>'
                     '<circle cx="33" cy="18" r="4"/><circle cx="41" cy="24" r="4"/></g>'),
    "pixels": (32, 32, '<path d="M4 4h8v8H4zM20 12h8v8h-8zM12 20h8v8h-8z" fill="{accent}" fill-opacity=".75"/>'),
    "triangles": (44, 44, '<path d="M14 12L32 22L14 32Z" fill="{accent}"/>'),
}  # fmt: skip


def draw(sock: Sock, view: int) -> str:
    """The picture of a sock, 450 by 600: alone (view 1) or as a pair (view 2)."""
    width, height, motif = PATTERNS[sock.pattern]
    one = (
        f'<g clip-path="url(#sock)"><rect width="450" height="600" fill="{sock.body}"/>'
        f'<rect width="450" height="600" fill="url(#motif)"/>'
        f'<g fill="{sock.accent}"><circle cx="160" cy="450" r="58"/><circle cx="410" cy="498" r="66"/></g>'
        f'<path d="M252 84V318C252 356 268 376 300 396L372 440" fill="none" stroke="#fff" stroke-opacity=".12"'
        f' stroke-width="22"/></g>'
        f'<rect x="142" y="64" width="142" height="52" rx="12" fill="{sock.accent}"/>'
        f'<path d="M164 72V108M188 72V108M212 72V108M236 72V108M260 72V108" stroke="#000" stroke-opacity=".1"'
        f' stroke-width="3"/>'
    )
    pair = f'<g transform="translate(-46 -14) rotate(-7 225 300)" opacity=".92">{one}</g>' if view == 2 else ""
    front = f'<g transform="translate({-38 if view == 1 else 14} 6)">{one}</g>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 450 600" role="img">'
        f"<title>{sock.name}</title><defs>"
        f'<clipPath id="sock"><path d="{OUTLINE}"/></clipPath>'
        f'<pattern id="motif" width="{width}" height="{height}" patternUnits="userSpaceOnUse">'
        f"{motif.format(accent=sock.accent)}</pattern>"
        f'<radialGradient id="ground"><stop stop-color="#fff"/><stop offset="1" stop-color="#eceff3"/>'
        f"</radialGradient></defs>"
        f'<rect width="450" height="600" fill="url(#ground)"/>'
        f'<ellipse cx="250" cy="566" rx="150" ry="12" fill="#000" fill-opacity=".08"/>{pair}{front}</svg>'
    )
