"""Makes values.schema.json and the tables of README.md of the chart's values.yaml, which alone says what values there are.

    documents.py CHART           writes them
    documents.py CHART --check   fails when they would be others

A value's comment is its documentation, and `@schema` in it adds what the default does not tell of the form. A map that is
empty is open, all others are closed; one that stands on a line is one value. `$ref` makes a part mean what another means.
Keys of files/moved.yaml pass the schema, so that the templates can say what to write instead.
"""

import json
import sys
from pathlib import Path

import yaml

BAR = r"\|"
TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "null": "null", "seq": "array", "map": "object"}


class Value:
    """A node of values.yaml: its path, its comment, its default and the schema that follows from both."""

    def __init__(self, lines, path, key, node):
        self.path, self.node = path, node
        self.comment, self.annotation = comment_above(lines, key) if key else ("", {})
        self.default = yaml.SafeLoader("").construct_document(node)
        self.kind = TYPES[node.tag.rpartition(":")[2]]
        self.is_section = self.kind == "object" and not node.flow_style and bool(node.value)
        self.children = []
        if self.kind == "object":
            self.children = [Value(lines, (*path, key.value), key, value) for key, value in node.value]

    @property
    def name(self):
        return ".".join(self.path)

    @property
    def ref(self):
        """The part that this one means, too."""
        return self.annotation.get("$ref", "").removeprefix("#/properties/")

    def schema(self):
        described = {"description": self.comment} if self.comment else {}
        if self.ref:
            return described | self.annotation
        schema = described | {"type": self.kind}
        if self.children:
            schema["properties"] = {child.path[-1]: child.schema() for child in self.children}
            schema["additionalProperties"] = False
            schema["propertyNames"] = {"enum": list(schema["properties"])}  # so that the refusal says what there is
        return schema | self.annotation

    def leaves(self):
        """The values below; a map that stands on a line is one."""
        if not self.is_section:
            yield self
        for child in self.children if self.is_section else []:
            yield from child.leaves()

    def undocumented(self):
        """Names of values without a comment, and of those whose form nobody says."""
        if self.path and not self.comment:
            yield f"{self.name}: no comment says what it means"
        if "type" not in self.annotation and self.kind == "null":
            yield f"{self.name}: @schema must say the type"
        if "items" not in self.annotation and self.kind == "array":
            yield f"{self.name}: @schema must say the items"
        if self.is_section and not self.ref:
            for child in self.children:
                yield from child.undocumented()


def comment_above(lines, key):
    """The text and the @schema of the lines that end right above the key, as far in as it is."""
    begin, text, annotation = " " * key.start_mark.column + "#", [], {}
    above = key.start_mark.line
    while above > 0 and lines[above - 1].startswith(begin):
        above -= 1
    if lines[key.start_mark.line][: key.start_mark.column].strip():
        return "", {}  # inside a line
    for line in lines[above : key.start_mark.line]:
        line = line.removeprefix(begin).strip()
        if line.startswith("@schema "):
            annotation |= yaml.safe_load(line.removeprefix("@schema "))
        else:
            text.append(line)
    return " ".join(text), annotation


def schema(root, moved):
    made = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the chart"} | root.schema()
    for name, instead in moved.items():
        *parents, last = name.split(".")
        at = made
        for part in parents:
            at = at["properties"][part]
            if "$ref" in at:
                at = made["properties"][at["$ref"].removeprefix("#/properties/")]
        if last not in at["properties"]:
            at["properties"][last] = {"description": f"No value of this chart: {instead}."}
            names = at["propertyNames"]
            at["propertyNames"] = {
                "if": {"enum": [*names.get("if", {"enum": []})["enum"], last]},
                "then": True,
                "else": names.get("else", names),
            }
    return json.dumps(made, indent=2) + "\n"


def tables(root):
    """A table for each part; of a part that means what another means, what has another default."""
    defaults = {leaf.name: leaf.default for leaf in root.leaves()}
    head = ["| value | default | meaning |", "| --- | --- | --- |"]
    text = [*head, *(row(value, value.comment) for value in root.children if not value.is_section)]
    for part in root.children:
        if not part.is_section:
            continue
        text += ["", f"### {part.name}", "", part.comment, "", *head]
        for leaf in part.leaves():
            meant = meaning(root, leaf)
            if meant is None:
                text.append(row(leaf, leaf.comment))
            elif leaf.default != defaults[meant]:
                text.append(row(leaf, f"as `{meant}`"))
    return "\n".join(text)


def meaning(root, leaf):
    """The name of the value that means what this one means, if there is one."""
    at = root
    for depth, part in enumerate(leaf.path):
        at = next(child for child in at.children if child.path[-1] == part)
        if at.ref and at.is_section:
            return ".".join((at.ref, *leaf.path[depth + 1 :]))
    return None


def row(value, text):
    return f"| `{value.name}` | `{json.dumps(value.default)}` | {text.replace('|', BAR)} |"


def main(chart, check):
    text = (chart / "values.yaml").read_text()
    root = Value(text.splitlines(), (), None, yaml.compose(text, yaml.SafeLoader))
    faults = list(root.undocumented())
    readme = (chart / "README.md").read_text()
    before, rest = readme.split("<!-- values -->")
    after = rest.split("<!-- /values -->")[1]
    made = {
        "values.schema.json": schema(root, yaml.safe_load((chart / "files/moved.yaml").read_text())),
        "README.md": f"{before}<!-- values -->\n{tables(root)}\n<!-- /values -->{after}",
    }
    for name, wanted in made.items():
        path = chart / name
        if not check:
            path.write_text(wanted)
        elif not path.exists() or path.read_text() != wanted:
            faults.append(f"{path} is not what values.yaml makes of it; run `make helm-write`")
    return faults


if __name__ == "__main__":
    found = main(Path(sys.argv[1]), "--check" in sys.argv[2:])
    sys.exit("\n".join(found) or 0)
