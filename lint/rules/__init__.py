"""Every rule of the house, one module each. A finding is excused by `# lint-skip: CODE reason` on its line."""

from lint.rules import (
    clock,
    context_package,
    foreign_keys,
    function_length,
    get_model,
    module_length,
    no_signals,
    operation_signature,
    plain_models,
    scope_filter,
    strict_csp,
    translated_literals,
    ui_database,
    ui_objects,
    ui_writes,
)

RULES = (
    function_length.RULE,
    module_length.RULE,
    ui_writes.RULE,
    ui_objects.RULE,
    scope_filter.RULE,
    no_signals.RULE,
    get_model.RULE,
    clock.RULE,
    operation_signature.RULE,
    translated_literals.RULE,
    foreign_keys.RULE,
    context_package.RULE,
    plain_models.RULE,
    ui_database.RULE,
    strict_csp.RULE,
)
