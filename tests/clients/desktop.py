"""QGIS, run by the Python that has its modules: opens each collection with features, by the whole, by box, by page,
draws vector tiles, and writes where it can. Arguments: address of the API, name, password."""

from __future__ import annotations

import base64
import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (  # type: ignore[import-not-found]  # of the system
    Qgis,
    QgsApplication,
    QgsAuthMethodConfig,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorDataProvider,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize  # type: ignore[import-not-found]
from qgis.PyQt.QtGui import QColor  # type: ignore[import-not-found]

ROOT, NAME, PASSWORD = sys.argv[1:4]
SECTION, CODE = "ecology.section", "CQSZD90"
PLACES = {CODE: (108.1, 30.0), "CQSZD91": (108.3, 30.2)}


def send(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    secret = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/geo+json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"{ROOT}{path}", data, headers, method=method)
    ) as answer:  # ours
        return json.loads(answer.read() or b"null")


def properties(code: str) -> dict[str, str]:
    own = {"_area": "500240", "_organisation": "500240"}
    return {"code": code, "name": f"断面{code}", "target": "II", "water": "龙河", **own}


def main() -> Iterator[str]:
    """What went wrong."""
    for code, place in PLACES.items():
        feature = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": place},
            "properties": properties(code),
        }
        send("POST", f"/collections/{SECTION}/items", feature)
    login = QgsAuthMethodConfig("Basic")
    login.setName("probe")
    login.setConfig("username", NAME)
    login.setConfig("password", PASSWORD)
    QgsApplication.authManager().setMasterPassword("probe", True)
    QgsApplication.authManager().storeAuthenticationConfig(login)
    for one in send("GET", "/collections")["collections"]:
        yield from opened(one["id"], login.id())
    yield from written(login.id())
    yield from drawn("areas", login.id())


def layer(key: str, login: str, more: str = "") -> Any:
    asked = f" typename='{key}' url='{ROOT}' authcfg={login} pagingEnabled='true' restrictToRequestBBOX='1'{more}"
    return QgsVectorLayer(asked, key, "OAPIF")


def opened(key: str, login: str) -> Iterator[str]:
    number = send("GET", f"/collections/{key}/items?limit=1")["numberMatched"]
    found = layer(key, login)
    if not found.isValid():
        yield f"{key}: does not open"
        return
    read, paged = list(found.getFeatures()), list(layer(key, login, " pageSize='7'").getFeatures())
    if not len(read) == len(paged) == found.featureCount() == number:
        yield f"{key}: {number} features, read {len(read)}, by pages {len(paged)}, counted {found.featureCount()}"
    box = QgsRectangle(108.0, 29.9, 108.2, 30.1)
    inside = sum(one.hasGeometry() and one.geometry().intersects(box) for one in read)
    boxed = sum(1 for _one in found.getFeatures(QgsFeatureRequest().setFilterRect(box)))
    if found.isSpatial() and boxed != inside:
        yield f"{key}: {inside} features meet the box, read {boxed}"
    print(f"QGIS {Qgis.QGIS_VERSION}: {key}: {len(read)} features, {boxed if found.isSpatial() else 'none'} in the box")


def written(login: str) -> Iterator[str]:
    """Versions from 3.30 on create, change and delete by part 4 of the standard."""
    found = layer(SECTION, login)
    able = found.dataProvider().capabilities()
    if not able & QgsVectorDataProvider.AddFeatures:
        print(f"QGIS {Qgis.QGIS_VERSION}: writes to no OGC API – Features")
        return
    made = QgsFeature(found.fields())
    for name, value in properties("CQSZD92").items():
        made.setAttribute(name, value)
    made.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(108.2, 30.1)))
    done, (kept,) = found.dataProvider().addFeatures([made])
    provider, water = found.dataProvider(), found.fields().indexOf("water")
    steps = {
        "create": done,
        "change": provider.changeAttributeValues({kept.id(): {water: "沙子河"}}),
        "move": provider.changeGeometryValues({kept.id(): QgsGeometry.fromPointXY(QgsPointXY(108.25, 30.1))}),
    }
    now = send("GET", f"/collections/{SECTION}/items/CQSZD92")
    if now["properties"]["water"] != "沙子河" or now["geometry"]["coordinates"] != [108.25, 30.1]:
        yield f"{SECTION}: what was changed is not kept: {now}"
    steps["delete"] = provider.deleteFeatures([kept.id()])
    yield from (f"{SECTION}: cannot {step}" for step, is_done in steps.items() if not is_done)
    if layer("areas", login).dataProvider().capabilities() & QgsVectorDataProvider.AddFeatures:
        yield "areas: offers to write what is read only"


def drawn(key: str, login: str) -> Iterator[str]:
    asked = (
        f"type=xyz&url={ROOT}/collections/{key}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}&zmin=0&zmax=14&authcfg={login}"
    )
    mercator, degrees = (QgsCoordinateReferenceSystem(f"EPSG:{number}") for number in (3857, 4326))
    view = QgsMapSettings()
    tiles = QgsVectorTileLayer(asked, key)  # the settings do not keep it alive
    view.setLayers([tiles])
    view.setOutputSize(QSize(200, 200))
    view.setBackgroundColor(QColor("white"))
    view.setDestinationCrs(mercator)
    to = QgsCoordinateTransform(degrees, mercator, QgsProject.instance())
    view.setExtent(to.transformBoundingBox(QgsRectangle(108.1, 29.9, 108.4, 30.2)))
    job = QgsMapRendererSequentialJob(view)
    job.start()
    job.waitForFinished()
    picture = job.renderedImage()
    inked = sum(picture.pixelColor(x, y) != QColor("white") for x in range(200) for y in range(200))
    print(f"QGIS {Qgis.QGIS_VERSION}: vector tiles of {key}: {inked * 100 // 40_000} % of the picture drawn")
    if not inked:
        yield f"{key}: no tile is drawn"


if __name__ == "__main__":
    application = QgsApplication([], False, os.environ["QGIS_PROFILE"])
    application.initQgis()
    faults = list(main())
    print("\n".join(faults))
    sys.stdout.flush()
    os._exit(len(faults))  # Qt ends badly under an interpreter that ends first
