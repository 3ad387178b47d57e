"""What becomes of the models in the public collection of the system-dynamics community, by the names of its folders.

The collection is SDXorg/test-models on GitHub (its folder tests/), with the output that Vensim gives to each
model. Its files are not part of this repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REBUILT: Final = frozenset(
    """
    get_constants_incomplete_subscript get_constants_subranges get_data_args_3d_xls get_lookups_data_3d_xls
    get_lookups_subscripted_args get_lookups_subset get_mixed_definitions get_subscript_3d_arrays_xls
    get_values_order get_with_missing_values_xlsx get_xls_cellrange partial_range_definitions with_lookup
    """.split()
)
"""These read workbooks. They were judged with workbooks rebuilt from the models and from what Vensim recorded."""

RIGHT: Final = REBUILT | frozenset(
    """
    active_initial active_initial_circular allocate_by_priority arguments arithmetics arithmetics_exp
    array_with_line_break builtin_max builtin_min chained_initialization conditional_subscripts constant_expressions
    delay_fixed delay_numeric_error delay_parentheses delays elm_count euler_step_vs_saveper except except_multiple
    except_subranges exp exponentiation forecast fully_invalid_names function_capitalization game if_stmt
    initial_function input_functions integer_float_combination invert_matrix limits line_breaks line_continuation
    log logicals lookups lookups_funcnames lookups_inline lookups_inline_bounded lookups_inline_spaces
    lookups_with_expr lookups_without_range macro_cross_reference macro_expression macro_multi_expression
    macro_multi_macros macro_multi_output macro_stock macro_trailing_definition model_doc multiple_lines_def na
    nested_functions parentheses power reality_checks reference_capitalization repeated_subscript rounding
    smaller_range smooth smooth_and_stock special_characters stocks_with_expressions subrange_merge
    subscript_1d_aggregation subscript_3d_arrays subscript_3d_arrays_lengthwise subscript_3d_arrays_widthwise
    subscript_aggregation subscript_constant_call subscript_copy subscript_definition subscript_docs
    subscript_element_name subscript_individually_defined_1_of_2d_arrays
    subscript_individually_defined_1_of_2d_arrays_from_floats subscript_individually_defined_stocks
    subscript_logicals subscript_mapping_simple subscript_mapping_vensim subscript_mixed_assembly
    subscript_multiples subscript_numeric_range subscript_selection subscript_subranges subscript_subranges_equal
    subscript_switching subscript_transposition subscript_updimensioning subscripted_delays subscripted_flows
    subscripted_if_then_else subscripted_logicals subscripted_lookups subscripted_ramp_step subscripted_round
    subscripted_smooth subscripted_trend subscripted_trig subscripted_xidz subset_duplicated_coord tabbed_arrays
    time trend trig unchangeable_constant unicode_characters variable_ranges vector_select xidz_zidz
    zeroled_decimals
    """.split()
)
"""These must run, and give what Vensim gave; for macro_multi_output, what its authors derived by hand."""

REFUSED: Final[Mapping[str, tuple[str, ...]]] = {
    "allocate_available": ("ALLOCATE AVAILABLE",),
    "control_vars": ("'TIME STEP'", "changes during the run"),
    "data_from_other_model": (":RAW:", "no equation: it would be read from a data file"),
    "delay_pipeline": ("not finite at time 0",),
    "dynamic_final_time": ("'FINAL TIME'", "changes during the run"),
    "get_constants": ("'xls constants'", "(:=)"),
    "get_data": ("'data down.xls' cannot be read",),
    "get_time_value": ("GET TIME VALUE relative to 1", "the measure 10 of GET TIME VALUE"),
    "incomplete_equations": ("A FUNCTION OF",),
    "vector_order": ("'revenue'", ":RAW:"),
}
"""These must be refused, in a message that names the construct."""

RECORDED: Final[Mapping[str, str]] = {"get_time_value": "test_get_time_value_simple"}
"""Where a folder has several models: the one that its table belongs to, when that has not the folder's name. It must
run, whatever becomes of the other."""

SINGLE_PRECISION: Final[Mapping[str, str]] = {
    "sample_if_true": "SIN(EXP(Time)): Vensim, in single precision, has lost every digit of the sine by Time = 10",
}
"""Here the recorded numbers are no judge, and why."""
