"""`config show`: values below a path, as they are stored, as a candidate has them, or complete."""

from __future__ import annotations

from cfgmgr.addressing import find
from cfgmgr.api import Show, Shown
from cfgmgr.catalogue import Catalogue
from cfgmgr.edits import seen
from cfgmgr.errors import PathError
from cfgmgr.manager import Manager
from cfgmgr.tree import Tree, look_up


def show(manager: Manager, request: Show) -> Shown:
    """Look at values; raises PathError where there can be none, or an entry is not there."""
    current = manager.current
    if request.form == "complete":
        tree, catalogue = current.complete, current.catalogue
    elif request.form == "stored":
        tree, catalogue = current.state, current.catalogue
    else:
        tree = manager.candidate(request.author).tree
        catalogue = manager.rules.catalogue(tree)
    there: Tree = tree if request.form == "complete" else seen(tree, catalogue)
    place = find(request.path, catalogue.root, there)
    missing = [entry for entry in place.entries if look_up(there, entry) is None]
    if missing or (place.path and isinstance(place.path[-1], int) and look_up(there, place.path) is None):
        raise PathError(f"there is no {place}", possible=True)
    return Shown(
        path=place.spelling,
        value=look_up(tree, place.path),
        revision=current.revision,
        overlay=manager.rules.overlay_shown(),
    )


def candidate_of(manager: Manager, author: str) -> tuple[Tree, Catalogue]:
    """The configuration as an author's candidate has it, with the defaults of top-level maps, and its options."""
    tree = manager.candidate(author).tree
    catalogue = manager.rules.catalogue(tree)
    return seen(tree, catalogue), catalogue
