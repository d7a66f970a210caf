"""Our own contract types for import-linter; `pyproject.toml` says to whom they apply."""

from collections.abc import Iterable, Iterator
from typing import Any, cast

import grimp
from importlinter import Contract, ContractCheck, fields, output
from importlinter.contracts.layers import LayersContract

Link = tuple[str, str]


class LayersOfExistingContract(LayersContract):
    """Layers, for those of the containers that already exist."""

    type_name = "layers_of_existing"

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        containers: Any = self.containers
        existing = [container for container in containers if container.expression in graph.modules]
        if not existing:
            return ContractCheck(kept=True)
        self.containers = cast(Any, existing)
        return super().check(graph, verbose)


class _LinkContract(Contract):
    """A contract that judges each direct import on its own."""

    advice = ""

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        broken = sorted(set(self.find_broken(graph)))
        lines = [(importer, imported, self._line(graph, importer, imported)) for importer, imported in broken]
        return ContractCheck(kept=not broken, metadata={"broken": lines})

    def find_broken(self, graph: grimp.ImportGraph) -> Iterator[Link]:
        raise NotImplementedError

    @staticmethod
    def _line(graph: grimp.ImportGraph, importer: str, imported: str) -> int:
        details = graph.get_import_details(importer=importer, imported=imported)
        return details[0]["line_number"] if details else 0

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, line in check.metadata["broken"]:
            output.print_error(f"{importer}:{line} imports {imported}", bold=False)
        output.new_line()
        output.print_error(self.advice, bold=False)
        output.new_line()


class FrontDoorContract(_LinkContract):
    """A context is entered through its front door only.

    Whoever is outside a context imports of it nothing but the `doors`; `narrow_importers` only the `narrow_doors`.
    A door that is a package either offers its modules, or lists names in its `__init__` by importing them from there;
    then the list is the only way in. A module whose name begins with an underscore is no door, wherever it stands.
    `exempt_importers` are free.
    """

    type_name = "front_door"
    advice = "Ask the context for an operation, a query, an event or a port instead."

    contexts = fields.ListField(subfield=fields.StringField())
    doors = fields.ListField(subfield=fields.StringField())
    narrow_importers = fields.ListField(subfield=fields.StringField())
    narrow_doors = fields.ListField(subfield=fields.StringField())
    exempt_importers = fields.ListField(subfield=fields.StringField())

    def find_broken(self, graph: grimp.ImportGraph) -> Iterator[Link]:
        for context in cast(list[str], self.contexts):
            if context not in graph.modules:
                continue
            for imported in graph.find_descendants(context):
                for importer in graph.find_modules_that_directly_import(imported):
                    if is_inside(importer, [context, *cast(list[str], self.exempt_importers)]):
                        continue
                    if not self._is_open(context, imported, importer) or _is_behind_a_list(
                        graph, context, imported
                    ):
                        yield importer, imported

    def _is_open(self, context: str, imported: str, importer: str) -> bool:
        parts = imported.removeprefix(context + ".").split(".")
        is_narrow = is_inside(importer, cast(list[str], self.narrow_importers))
        doors = cast(list[str], self.narrow_doors if is_narrow else self.doors)
        return parts[0] in doors and not any(part.startswith("_") for part in parts)


class PureContract(_LinkContract):
    """Rules, events and ports know values only: no Django, no database, no network, no files, no clock.

    A pure module imports `allowed_libraries`, `trusted_modules`, and other pure modules: those called by one of
    `pure_names` in a context, and the `pure_modules`, which are held to the same.
    """

    type_name = "pure"
    advice = (
        "A pure module gets values and gives values; what reads or writes belongs into operations or queries."
    )

    contexts = fields.ListField(subfield=fields.StringField())
    pure_names = fields.ListField(subfield=fields.StringField())
    pure_modules = fields.ListField(subfield=fields.StringField())
    trusted_modules = fields.ListField(subfield=fields.StringField())
    allowed_libraries = fields.ListField(subfield=fields.StringField())

    def find_broken(self, graph: grimp.ImportGraph) -> Iterator[Link]:
        pure = {module for module in graph.modules if self._is_pure(module)}
        allowed = [*cast(list[str], self.allowed_libraries), *cast(list[str], self.trusted_modules)]
        for importer in pure:
            for imported in graph.find_modules_directly_imported_by(importer):
                if imported not in pure and not is_inside(imported, allowed):
                    yield importer, imported

    def _is_pure(self, module: str) -> bool:
        if is_inside(module, cast(list[str], self.pure_modules)):
            return True
        names = cast(list[str], self.pure_names)
        return any(
            is_inside(module, [f"{context}.{name}" for name in names])
            for context in cast(list[str], self.contexts)
        )


def _is_behind_a_list(graph: grimp.ImportGraph, context: str, imported: str) -> bool:
    """Whether a module belongs to a door whose `__init__` says itself what it offers."""
    door = ".".join(imported.split(".")[: context.count(".") + 2])
    return imported != door and any(
        is_inside(module, [door]) for module in graph.find_modules_directly_imported_by(door)
    )


def is_inside(module: str, packages: Iterable[str]) -> bool:
    """Whether `module` is one of `packages` or below it."""
    return any(module == package or module.startswith(package + ".") for package in packages)
