"""Order numbers and product names, most of them made up, so that a model learns to copy them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from schemalora.perturbations import pick


@dataclass(frozen=True)
class ProductNames:
    """The parts that product names are put together from."""

    starts: tuple[str, ...]
    ends: tuple[str, ...]
    things: tuple[str, ...]
    tags: tuple[str, ...]

    def draw(self, rng: Random) -> str:
        """Draws a name such as `Velkoro Air Fryer`, `Brimo X7` or, typed in haste, `brimo x7`."""
        brand = pick(rng, self.starts) + pick(rng, self.ends)
        style = rng.random()
        if style < 0.45:
            name = f"{brand} {pick(rng, self.things)}"
        elif style < 0.65:
            name = f"{brand} {pick(rng, self.tags)}"
        elif style < 0.8:
            name = f"{brand} {pick(rng, self.things)} {pick(rng, self.tags)}"
        elif style < 0.9:
            name = f"{brand}{pick(rng, self.things).split()[-1]}"
        else:
            name = brand
        return name.lower() if rng.random() < 0.15 else name


TRAIN_PRODUCTS = ProductNames(
    starts=tuple(
        "Vel Bri Kor Nim Aur Tes Lum Zeph Ori Cal Dra Fen Gal Hex Ivo Jun Kal Lor Mar Nov Oak "
        "Pax Quil Ras Sol Tan Umb Ver Wil Xan Yar Zen Arc Bel Cor Del Eld Fal Gor Hal".split()
    ),
    ends=tuple(
        "tro mo ko bus ora la ix yr on ica dex ra ium va ton ista ell ax is o via ern ley ent "
        "us aro ite amp ent elle ovo ada uno".split()
    ),
    things=(
        "Air Fryer", "Desk Lamp", "Headphones", "Kettle", "Backpack", "Router", "Smart Watch",
        "Office Chair", "Blender", "Running Shoes", "Keyboard", "Vacuum", "Speaker", "Monitor",
        "Coffee Maker", "Tent", "Phone Case", "Yoga Mat", "Power Bank", "Toaster", "Camera",
        "Winter Jacket", "Bike Light", "Printer", "Drill", "Water Bottle", "Mattress", "Tablet",
        "Doorbell", "Cloud Storage", "Photo Editor", "Music Plan", "Sofa", "Bookshelf", "Puzzle",
        "Rain Coat", "Toothbrush", "Thermostat", "Garden Hose", "Pan Set", "Baby Monitor", "Scale",
    ),
    tags=(
        "Pro", "X2", "X7", "Mini", "Max", "300", "Plus", "S", "Air", "Go", "2", "Lite", "XL",
        "Ultra", "Home", "One", "V8", "Z10", "450", "Duo", "Classic", "SE", "Prime", "9000",
    ),
)  # fmt: skip

# Half of the eval products are made from parts that no training product has.
EVAL_PRODUCTS = ProductNames(
    starts=tuple("Bry Chro Dov Eph Flo Gry Hyl Isk Jas Kry Lyn Myr Ner Oph Pry Rho Syl".split()),
    ends=tuple("ane esko ard ulo inda orra amba ique ozo unta egra alis omi utra".split()),
    things=(
        "Rice Cooker", "Floor Lamp", "Earbuds", "Juicer", "Suitcase", "Webcam", "Hiking Boots",
        "Air Purifier", "Skateboard", "Grill", "Projector", "Sleeping Bag", "Dehumidifier",
        "Video Plan", "Password Manager", "Sewing Machine", "Guitar", "Waffle Iron",
    ),
    tags=("Neo", "Q4", "Compact", "550", "Flex", "Edge", "T3", "Eco", "Studio", "77", "Core"),
)  # fmt: skip


def draw_order_id(rng: Random) -> str:
    """Draws an order number: `ORD-` and five digits, sometimes four or six."""
    width = 5 if rng.random() < 0.8 else 4 if rng.random() < 0.5 else 6
    low = 10 ** (width - 1)
    return f"ORD-{low + int(rng.random() * 9 * low)}"
