"""The functions that a query may call, and why some may not.

Those that may are listed: what their databases document as harmless. A test holds PostgreSQL's to
its catalog, where none of them may change anything.
"""

import re

#: https://www.postgresql.org/docs/current/functions.html, chapter by chapter
_POSTGRES = """
abs acos acosd asin asind atan atan2 atan2d atand cbrt ceil ceiling cos cosd cosh cot cotd degrees
div erf erfc exp factorial floor gcd lcm ln log log10 min_scale mod pi power pow radians random
round scale sign sin sind sinh sqrt tan tand tanh trim_scale trunc width_bucket asinh acosh atanh
gamma lgamma
ascii bit_length btrim casefold char_length character_length chr concat concat_ws format initcap
left length lower lpad ltrim md5 normalize is_normalized octet_length overlay parse_ident position
quote_ident quote_literal quote_nullable regexp_count regexp_instr regexp_like regexp_match
regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat
replace reverse right rpad rtrim split_part starts_with string_to_array string_to_table strpos
substr substring to_ascii to_bin to_hex to_oct translate trim unicode_assigned unistr upper
bit_count convert convert_from convert_to crc32 crc32c decode encode get_bit get_byte set_bit
set_byte sha224 sha256 sha384 sha512
to_char to_date to_number to_timestamp
age clock_timestamp current_date current_time current_timestamp date_add date_bin date_part
date_subtract date_trunc extract isfinite justify_days justify_hours justify_interval localtime
localtimestamp make_date make_interval make_time make_timestamp make_timestamptz now
statement_timestamp timeofday timezone transaction_timestamp overlaps
enum_first enum_last enum_range
area bound_box box center circle diagonal diameter height isclosed isopen length line lseg npoints
path point polygon radius slope width
abbrev broadcast family host hostmask inet_merge inet_same_family masklen netmask network
set_masklen macaddr8_set7bit
array_to_tsvector numnode phraseto_tsquery plainto_tsquery querytree setweight strip to_tsquery
to_tsvector json_to_tsvector jsonb_to_tsvector ts_delete ts_filter ts_headline ts_rank ts_rank_cd
tsquery_phrase tsvector_to_array websearch_to_tsquery ts_debug ts_lexize get_current_ts_config
gen_random_uuid uuidv4 uuidv7 uuid_extract_timestamp uuid_extract_version
xmlcomment xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document xpath
xpath_exists xmltext
array_to_json json_array_elements json_array_elements_text json_array_length json_build_array
json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object
json_object_keys json_populate_record json_populate_recordset json_strip_nulls json_to_record
json_to_recordset json_typeof row_to_json to_json to_jsonb
jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text
jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz
jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array
jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz
jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax
jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof
coalesce greatest least nullif num_nonnulls num_nulls
array array_append array_cat array_dims array_length array_lower array_ndims array_position
array_positions array_prepend array_remove array_replace array_reverse array_sample array_shuffle
array_sort array_to_string array_upper cardinality trim_array unnest
isempty lower_inc lower_inf multirange range_merge upper_inc upper_inf datemultirange daterange
int4multirange int4range int8multirange int8range nummultirange numrange tsmultirange tsrange
tstzmultirange tstzrange
any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or count every json_agg
json_object_agg jsonb_agg jsonb_object_agg max min range_agg range_intersect_agg string_agg sum
xmlagg corr covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp variance var_pop var_samp mode
percentile_cont percentile_disc rank dense_rank percent_rank cume_dist grouping
row_number ntile lag lead first_value last_value nth_value
generate_series generate_subscripts
row current_catalog current_database current_schema current_schemas current_user session_user user
version format_type pg_typeof obj_description col_description has_table_privilege
has_schema_privilege has_column_privilege to_regclass to_regtype
pg_get_constraintdef pg_get_indexdef pg_get_expr pg_get_viewdef pg_table_is_visible
pg_column_size pg_total_relation_size pg_relation_size pg_table_size pg_indexes_size
pg_size_pretty pg_size_bytes pg_input_is_valid
bit bool bpchar bytea char date float4 float8 int2 int4 int8 interval money numeric oid regclass
text time timestamp timestamptz timetz varbit varchar xml
"""

#: https://www.sqlite.org/lang_corefunc.html and its neighbours
_SQLITE = """
abs char coalesce concat concat_ws format glob hex ifnull iif instr length like likelihood likely
lower ltrim max min nullif octet_length printf quote random replace round rtrim sign soundex
sqlite_version substr substring trim typeof unhex unicode unlikely upper
date time datetime julianday unixepoch strftime timediff current_date current_time
current_timestamp
avg count group_concat string_agg sum total median percentile percentile_cont percentile_disc
row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2
mod pi pow power radians sin sinh sqrt tan tanh trunc
json json_array json_array_length json_error_position json_extract json_insert json_object
json_patch json_pretty json_quote json_remove json_replace json_set json_type json_valid
json_group_array json_group_object json_each json_tree
-> ->>
"""

FUNCTIONS: dict[str, frozenset[str]] = {
    "postgresql": frozenset(_POSTGRES.split()),
    "sqlite": frozenset(_SQLITE.split()),
}

#: why others may not be called, be they the user's own by name or not; the first that fits counts
_WHY = {
    "it reads or writes files of the server": (
        r"pg_read_|pg_ls_|pg_stat_file|pg_current_logfile|lo_(im|ex)port$|(read|write)file$|edit$"
        r"|fsdir$"
    ),
    "large objects are no tables": r"lo_|lo(read|write)$",
    "it connects to other servers": r"dblink|postgres_fdw_|http(_|$)",
    "it only waits": r"pg_sleep",
    "settings of the server are not for queries": (
        r"set_config$|current_setting$|pg_(show_all|reload|hba|ident_file|config)"
    ),
    "it looks at other sessions, or holds them up": (
        r"pg_(try_)?advisory|pg_(terminate|cancel|log)_backend|pg_notif|pg_notify|pg_listening"
        r"|pg_blocking|pg_safe_snapshot|pg_stat_|pg_lock"
    ),
    "sequences are not for queries": r"nextval$|setval$|currval$|lastval$",
    "it runs SQL that is given as text, or reads tables that are not named": (
        r".*_to_xml(schema|_and_xmlschema)?$|ts_stat$|ts_rewrite$|xpath_table$|crosstab|connectby"
        r"|eval$|sql_exec$"
    ),
    "it reaches into the database itself": (
        r"load_extension$|fts3_tokenizer$|sqlite_(?!version$)|pragma_"
    ),
    "it makes values of any size": r"zeroblob$|randomblob$|array_fill$",
}
_DENIED = tuple((re.compile(pattern), why) for why, pattern in _WHY.items())

#: functions whose length is an argument: its place, from 0
SIZED = {"repeat": 1, "lpad": 1, "rpad": 1}
#: the longest text that they may make of one character
LONGEST = 100_000
#: functions that write values into a text
FORMATTING = frozenset({"format", "printf"})
#: a width or precision of a format that is long, or is given as an argument
LONG_WIDTH = re.compile(r"%[^A-Za-z%]*(?:\d{5}|\*)")


def why_denied(name: str) -> str | None:
    """Why nobody may call a function, whose name is in small letters; None where anybody may."""
    return next((why for pattern, why in _DENIED if pattern.match(name)), None)
