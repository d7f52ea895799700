"""From ``ownership.yaml`` to the domain's registry: reading, shape, names, rules, advice, last good.

load_registry(path)                      the registry, or RegistryMissing / RegistryError
parse_registry(data, source=...)         the same from bytes
load_with_last_good(path, cache_dir)     for parse time: never raises
check_file(path, now)                    every problem of a file
"""

from daybreak.config.lastgood import Loaded, load_with_last_good
from daybreak.config.load import check_file, load_registry, parse_registry
from daybreak.config.problems import Problem

__all__ = ["Loaded", "Problem", "check_file", "load_registry", "load_with_last_good", "parse_registry"]
