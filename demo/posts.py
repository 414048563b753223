"""What the invented people wrote in the weeks before the demonstration."""

from __future__ import annotations

from demo import world
from demo.world import Words

KILN_OPENING = Words(
    world.MARA, "2025-02-24T07:40:00",
    "Opened the kiln before sunrise. Five bowls, no cracks, and one blue I have been chasing since autumn.\n\n"
    "Notes on the firing: https://mara.example/notes/blue\n\n#pottery #glaze #slowcraft",
    214, pictures=world.KILN,
    edited="Opened the kiln before sunrise. Five bowls, no cracks, and one blue I have been chasing since autumn."
    "\n\nNotes on the firing: https://mara.example/notes/blue\n(Yes, the recipe is in there now.)\n\n"
    "#pottery #glaze #slowcraft #recipe",
)  # fmt: skip
"""The post whose curve the demonstration shows."""

NEBULA_NIGHT = Words(
    world.OBSERVATORY, "2025-02-20T22:15:00",
    "Four hours of exposure, nine people, one thermos. The nebula behind the harbour crane. 🔭\n\n#astronomy",
    640, pictures=(world.NEBULA,),
)  # fmt: skip
COMET_WEEK = Words(
    world.OBSERVATORY, "2025-02-25T21:05:00",
    "The comet on three evenings from the same pier. Watch the tail turn.\n\n#comet #astronomy #nightsky",
    388, pictures=world.COMET,
)  # fmt: skip
DAWN_FILM = Words(
    world.OBSERVATORY, "2025-02-27T06:30:00",
    "Closing the dome at dawn, thirty times faster than it felt. #observatory",
    175, film=world.DAWN, thumbnail=world.DAWN_STILL,
)  # fmt: skip
LEAFLET_POST = Words(
    world.PRESS, "2025-02-21T10:00:00",
    "A leaflet for everybody who ever asked what the triangles are for. Free to print. #bridges #design",
    96, booklet=world.LEAFLET, cover=world.LEAFLET_COVER,
)  # fmt: skip
SPRING_LIST = Words(
    world.PRESS, "2025-02-26T09:00:00",
    "Our spring list is up: https://pinecone.example/spring #books",
    58, article=("https://pinecone.example/spring", "Spring list"),
)  # fmt: skip
GLAZE_COVER = Words(
    world.PRESS, "2025-02-27T11:45:00",
    "The cover of our next cookbook is a glaze by Mara Lindqvist. It is even bluer on paper. #bookdesign #glaze",
    132, pictures=(world.SAME_GLAZE,),
)  # fmt: skip

BY_MARA = (
    KILN_OPENING,
    Words(world.MARA, "2025-02-11T16:20:00", "This blue. That is the post. #glaze", 167, pictures=(world.GLAZE,)),
    Words(
        world.MARA, "2025-02-14T18:05:00",
        "Two test tiles, same clay, same fire, a spoon of tin apart. Chemistry is patient. #pottery #chemistry",
        88, pictures=world.TEST_TILES,
    ),
    Words(
        world.MARA, "2025-02-17T12:00:00", "The wheel, from above. Sound off, shoulders down. #pottery #throwing",
        301, film=world.WHEEL, thumbnail=world.WHEEL_STILL,
    ),
    Words(
        world.MARA, "2025-02-19T08:30:00",
        "Twelve glazes that forgive a small kiln: I wrote them down and drew them. Take it. #glaze #teaching",
        412, booklet=world.BOOKLET, cover=world.BOOKLET_COVER,
    ),
    Words(
        world.MARA, "2025-02-22T19:10:00",
        "Read this on the train and missed my stop: why old kilns stand on hills. https://essays.example/kilns",
        45, article=("https://essays.example/kilns", "Why old kilns stand on hills"), preview=world.ESSAY_PREVIEW,
    ),
    Words(
        world.MARA, "2025-02-26T17:45:00",
        "I stood next to that crane and saw nothing but sodium lamps. Respect. #nightsky",
        73, quotes=NEBULA_NIGHT,
    ),
    Words(world.MARA, "2025-02-28T07:00:00", "No firing today. Just tea, a list, and rain on the skylight.", 129),
    Words(
        world.MARA, "2025-02-12T09:30:00", "The old studio, one last time. #moving",
        61, pictures=(world.LATE,), seen_once=True,
    ),
)  # fmt: skip

BY_TOMAS = (
    Words(
        world.TOMAS, "2025-02-13T06:50:00",
        "Grey heron, ringed as a chick in 2009, still fishing under the same bridge. #birds #ringing",
        356, pictures=(world.HERON,),
    ),
    Words(
        world.TOMAS, "2025-02-15T07:15:00",
        "Three rings, three countries, one reed bed. Migration is a group project. #birds #migration",
        142, pictures=world.RINGS,
    ),
    Words(
        world.TOMAS, "2025-02-18T07:05:00",
        "Eleven winters of counts in one chart, with the raw numbers to download: https://counts.example/winters",
        118, article=("https://counts.example/winters", "Eleven winters of counts"), preview=world.CHART_PREVIEW,
    ),
    Words(world.TOMAS, "2025-02-20T08:00:00", "Flock, in eight frames. #birds", 97, pictures=(world.FLICKER,)),
    Words(
        world.TOMAS, "2025-02-26T06:40:00",
        "Geese use that comet week to leave, too. Coincidence, but a good-looking one. #comet #birds",
        84, quotes=COMET_WEEK,
    ),
    Words(
        world.TOMAS, "2025-02-27T07:20:00",
        "Volunteers wanted: four Saturdays, one pencil, no experience. Write to me. #citizenscience", 66,
    ),
    Words(
        world.TOMAS, "2025-02-28T06:55:00",
        "If you get up early enough you share the hour with astronomers. #dawn",
        91, quotes=DAWN_FILM,
    ),
    Words(
        world.TOMAS, "2025-02-16T06:45:00", "Blurry, but it is a bittern. #birds",
        39, pictures=(world.LOST,), seen_once=True,
    ),
)  # fmt: skip

BY_INES = (
    Words(
        world.INES, "2025-02-12T17:30:00",
        "Load test done: eight lorries, four millimetres. The truss did not even sigh. #bridges #engineering",
        508, pictures=(world.TRUSS,),
    ),
    Words(
        world.INES, "2025-02-16T10:40:00",
        "Same flour, same oven; the left loaf slept two hours longer. 🥖🥖 #baking #sourdough",
        133, pictures=world.LOAVES,
    ),
    Words(
        world.INES, "2025-02-21T18:20:00",
        "Finally something I can hand to my aunt when she asks what I do all day. #bridges",
        149, quotes=LEAFLET_POST,
    ),
    Words(
        world.INES, "2025-02-23T09:10:00",
        "On asking the quiet person in the review first: a small habit that found two real errors this month.",
        277,
    ),
    Words(
        world.INES, "2025-02-27T20:00:00",
        "For the bakers among the engineers (and the other way round). #books", 41, quotes=SPRING_LIST,
    ),
)  # fmt: skip

BY_PRESS = (
    LEAFLET_POST,
    SPRING_LIST,
    GLAZE_COVER,
    Words(
        world.PRESS, "2025-02-18T15:00:00",
        "Endpapers! The part of a book nobody reviews and everybody touches. #bookdesign",
        74, pictures=(world.ENDPAPER,),
    ),
)  # fmt: skip

REPOSTS = (
    (world.TOMAS, "2025-02-25T08:10:00", KILN_OPENING),
    (world.INES, "2025-02-26T12:30:00", NEBULA_NIGHT),
)
"""Bare reposts: who, when, and whose post; the first is of a post that is imported too."""
