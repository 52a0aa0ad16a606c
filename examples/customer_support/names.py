"""Order numbers and product names, most of them made up, so that a model learns to copy them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from schemalora.perturbations import pick


class ProductSource(Protocol):
    """Where product names come from."""

    def draw(self, rng: Random) -> str:
        """Draws a name such as `Velkoro Air Fryer`, `Brimo X7` or, typed in haste, `brimo x7`."""
        ...


@dataclass(frozen=True)
class ProductNames:
    """Names whose brands are put together from a list of starts and a list of ends."""

    starts: tuple[str, ...]
    ends: tuple[str, ...]
    things: tuple[str, ...]
    tags: tuple[str, ...]

    def draw(self, rng: Random) -> str:
        brand = pick(rng, self.starts) + pick(rng, self.ends)
        return _named(brand, self.things, self.tags, rng)


@dataclass(frozen=True)
class InventedNames:
    """Names whose brands are any syllables, so that a model must copy what it has never seen."""

    onsets: tuple[str, ...]
    vowels: tuple[str, ...]
    codas: tuple[str, ...]
    things: tuple[str, ...]
    kinds: tuple[str, ...]
    """Words that may stand before a thing."""
    tags: tuple[str, ...]
    apart_from: ProductNames
    """No brand begins or ends as a brand of these may."""

    def draw(self, rng: Random) -> str:
        brand = self._brand(rng)
        while self._is_alike(brand):
            brand = self._brand(rng)
        tags = self.tags if rng.random() < 0.6 else (_model_number(rng),)
        return _named(brand, self.things, tags, rng, kinds=self.kinds)

    def _brand(self, rng: Random) -> str:
        count = pick(rng, (1, 2, 2, 2, 2, 3, 3))
        syllables = [
            pick(rng, self.onsets)
            + pick(rng, self.vowels)
            + (pick(rng, self.codas) if at == count - 1 or rng.random() < 0.3 else "")
            for at in range(count)
        ]
        brand = "".join(syllables).capitalize()
        return brand.upper() if count == 1 and rng.random() < 0.5 else brand

    def _is_alike(self, brand: str) -> bool:
        brand = brand.lower()
        starts = tuple(one.lower() for one in self.apart_from.starts)
        return len(brand) < 3 or brand.startswith(starts) or brand.endswith(self.apart_from.ends)


def _model_number(rng: Random) -> str:
    """`7`, `480` or `V39`: up to four digits, some behind a letter."""
    letter = pick(rng, "ABCDEFGHKLMNPRSTVWXZ") if rng.random() < 0.4 else ""
    return f"{letter}{int(rng.random() * 10 ** pick(rng, (1, 2, 3, 3, 3, 4)))}"


def _named(
    brand: str, things: Sequence[str], tags: Sequence[str], rng: Random, kinds: Sequence[str] = ()
) -> str:
    """A brand with a thing, a tag, both or neither."""
    style = rng.random()
    if style < 0.45:
        thing = pick(rng, things)
        if kinds and rng.random() < 0.3:
            thing = f"{pick(rng, kinds)} {thing}"
        name = f"{brand} {thing}"
    elif style < 0.65:
        name = f"{brand} {pick(rng, tags)}"
    elif style < 0.8:
        name = f"{brand} {pick(rng, things)} {pick(rng, tags)}"
    elif style < 0.9:
        name = f"{brand}{pick(rng, things).split()[-1]}"
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


INVENTED_PRODUCTS = InventedNames(
    # What stands twice comes up twice as often.
    onsets=(
        "", "b", "b", "bl", "br", "c", "c", "ch", "cl", "cr", "d", "d", "dr", "f", "f", "fl", "fr",
        "g", "g", "gl", "gr", "h", "h", "j", "k", "k", "kl", "kn", "l", "l", "m", "m", "n", "n",
        "p", "p", "pl", "pr", "qu", "r", "r", "s", "s", "sc", "sh", "sk", "sl", "sn", "sp", "st",
        "str", "t", "t", "th", "tr", "tw", "v", "v", "w", "wh", "y", "z",
    ),
    vowels=(
        "a", "a", "a", "e", "e", "e", "i", "i", "i", "o", "o", "o", "u", "u", "ai", "au", "ea",
        "ee", "ei", "eu", "ia", "ie", "io", "oa", "oo", "ou", "ue", "y",
        "y", "y",
    ),
    codas=(
        "", "", "", "", "", "", "b", "ck", "d", "f", "g", "k", "l", "l", "ld", "lk", "m", "m", "mp",
        "n", "n", "nd", "ng", "nk", "nt", "p", "r", "r", "rd", "rk", "rn", "rt", "s", "s", "sk",
        "st", "t", "t", "x", "z",
    ),
    things=(
        "Air Mattress", "Alarm Clock", "Armchair", "Baking Tray", "Barbecue", "Bath Mat", "Bed",
        "Belt", "Bench", "Bicycle", "Binoculars", "Blanket", "Book", "Bread Maker", "Broom",
        "Business Plan", "Cable", "Car Seat", "Card Reader", "Carpet", "Charger", "Chopping Board",
        "Coat Rack", "Cooler", "Course", "Curtain", "Cushion", "Cutlery Set", "Data Plan", "Desk",
        "Digital Pass", "Dishwasher", "Dog Bed", "Drone", "Duvet", "Espresso Cup", "Exercise Bike",
        "Extension Lead", "Family Subscription", "Fan", "Fan Heater", "Filter", "Fitness Tracker",
        "Folding Table", "Food Processor", "Footstool", "Freezer", "Fridge", "Game Pass", "Glasses",
        "Gloves", "Hair Dryer", "Hammock", "Handbag", "Hard Drive", "Heater", "Helmet", "Hoodie",
        "Hosting Plan", "Humidifier", "Ice Maker", "Iron", "Jacket", "Jigsaw", "Jumper", "Kite",
        "Knife Block", "Ladder", "Lawn Mower", "Light Strip", "Lock", "Lunch Box", "Magazine",
        "Massage Chair", "Membership", "Microphone", "Microwave", "Mirror", "Mixer", "Mouse", "Mug",
        "Necklace", "Notebook", "Oven", "Paddle Board", "Paint Set", "Pencil Case", "Pet Feeder",
        "Phone", "Picture Frame", "Pillow", "Plant Pot", "Playpen", "Pressure Washer", "Radio",
        "Razor", "Record Player", "Rug", "Sandals", "Saw", "Scanner", "Scarf", "Scooter",
        "Screen Protector", "Security Camera", "Shelf", "Shirt", "Shower Head", "Slow Cooker",
        "Smart Plug", "Snow Boots", "Soundbar", "Spice Rack", "Stroller", "Sunglasses", "Swimsuit",
        "Tea Set", "Telescope", "Television", "Toolbox", "Towel", "Toy Train", "Trampoline",
        "Trousers", "Tyre Pump", "Umbrella", "USB Stick", "Vase", "Wallet", "Wardrobe", "Watch",
        "Weather Station", "Wheelbarrow", "Wine Rack", "Wireless Doorbell", "Workbench",
    ),
    kinds=(
        "Cordless", "Folding", "Portable", "Smart", "Travel", "Kids", "Steel", "Bamboo", "Outdoor",
        "Wireless", "Heated", "Electric", "Wooden", "Mini", "Double", "Premium", "Leather", "Solar",
        "Silent", "Garden", "Kitchen", "Vintage", "Magnetic", "Waterproof", "Adjustable",
    ),
    tags=(
        "A1", "B12", "C3", "D40", "E5", "F2", "G9", "H21", "K8", "L6", "M3", "N7", "P30", "R2",
        "S10", "W5", "X1", "Y4", "100", "120", "250", "360", "500", "720", "800", "1200", "2000",
        "3", "4", "5", "II", "III", "Alpha", "Basic", "Black", "Blue", "Boost", "Deluxe", "Elite",
        "Evo", "Express", "Family", "Gold", "GT", "HD", "Kids", "LED", "Light", "Master", "Nano",
        "Next", "Original", "Premium", "Slim", "Smart", "Special Edition", "Sport", "Standard",
        "Starter", "Super", "Touch", "Travel", "Turbo", "Twin", "Wide", "Zero",
    ),
    apart_from=EVAL_PRODUCTS,
)  # fmt: skip
"""Of the training set only: the parts of `TRAIN_PRODUCTS` come back in the eval set."""


def draw_order_id(rng: Random) -> str:
    """Draws an order number: `ORD-` and five digits, sometimes four or six."""
    width = 5 if rng.random() < 0.8 else 4 if rng.random() < 0.5 else 6
    low = 10 ** (width - 1)
    return f"ORD-{low + int(rng.random() * 9 * low)}"
