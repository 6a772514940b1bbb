// The functions of the UDF guide, in C; udfs/lua/my_module.lua and udfs/rust/my_module are their twins.

#include <stdlib.h>
#include <string.h>

#include "portable.h"

typedef portable_string_t string;
typedef petrel_udf_values_node_t node;
typedef petrel_udf_values_value_t value;
typedef exports_petrel_udf_record_functions_list_value_t arguments;
typedef exports_petrel_udf_record_functions_error_t error;

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// A text that the host only reads.
static string text(const char *s) { return (string){(uint8_t *)s, strlen(s)}; }

// A bin of the record; to be freed.
static value get(const char *bin) {
  string name = text(bin);
  value value;
  petrel_udf_this_record_get(&name, &value);
  return value;
}

static bool set(const char *bin, value value, error *why) {
  string name = text(bin);
  return petrel_udf_this_record_set(&name, &value, &why->val.failed);
}

static bool set_node(const char *bin, node node, error *why) {
  return set(bin, (value){&node, 1}, why);
}

// An integer bin; 0 when there is none.
static bool get_integer(const char *bin, int64_t *number, error *why) {
  value found = get(bin);
  uint8_t tag = found.ptr[0].tag;
  *number = tag == PETREL_UDF_VALUES_NODE_INTEGER ? found.ptr[0].val.integer : 0;
  petrel_udf_values_value_free(&found);
  if (tag == PETREL_UDF_VALUES_NODE_INTEGER || tag == PETREL_UDF_VALUES_NODE_NIL) return true;
  portable_string_dup(&why->val.failed, "expected an integer bin");
  return false;
}

static node integer(int64_t n) {
  return (node){.tag = PETREL_UDF_VALUES_NODE_INTEGER, .val.integer = n};
}

static value one(node scalar) {
  node *nodes = malloc(sizeof *nodes);
  if (!nodes) abort();
  *nodes = scalar;
  return (value){nodes, 1};
}

// Tags the record with two values, counts the visit and returns how many there were.
static bool transform_record(arguments *given, value *result, error *why) {
  int64_t visits;
  if (!get_integer("visits", &visits, why)) return false;
  visits++;
  if (!set("tag1", given->ptr[0], why) || !set("tag2", given->ptr[1], why) ||
      !set_node("visits", integer(visits), why))
    return false;
  if (petrel_udf_this_record_exists() && !petrel_udf_this_record_update(&why->val.failed)) return false;
  *result = one(integer(visits));
  return true;
}

// The record's score, 0 if it has none, multiplied by a factor.
static bool get_computed_value(arguments *given, value *result, error *why) {
  node *factor = given->ptr[0].ptr;
  if (factor->tag != PETREL_UDF_VALUES_NODE_INTEGER) {
    why->tag = EXPORTS_PETREL_UDF_RECORD_FUNCTIONS_ERROR_ARGUMENTS;
    portable_string_dup(&why->val.arguments, "factor: expected an integer");
    return false;
  }
  int64_t score;
  if (!get_integer("score", &score, why)) return false;
  *result = one(integer((int64_t)((uint64_t)score * (uint64_t)factor->val.integer)));
  return true;
}

// Marks the record as processed and returns its name, tier and visits; nil when it is missing.
static bool process_record(arguments *given, value *result, error *why) {
  (void)given;
  if (!petrel_udf_this_record_exists()) {
    *result = one((node){.tag = PETREL_UDF_VALUES_NODE_NIL});
    return true;
  }
  node yes = {.tag = PETREL_UDF_VALUES_NODE_BOOLEAN, .val.boolean = true};
  int64_t visits;
  if (!set_node("processed", yes, why) || !petrel_udf_this_record_update(&why->val.failed) ||
      !get_integer("visits", &visits, why))
    return false;
  const char *names[] = {"name", "tier"};
  value found[COUNT(names)];
  size_t nodes = 3;
  for (size_t i = 0; i < COUNT(names); i++) {
    found[i] = get(names[i]);
    nodes += 1 + found[i].len;
  }
  result->ptr = malloc(nodes * sizeof(node));
  if (!result->ptr) abort();
  node *next = result->ptr;
  node *map = next++;
  *map = (node){.tag = PETREL_UDF_VALUES_NODE_MAP, .val.map = 1};
  for (size_t i = 0; i < COUNT(names); i++) {
    if (found[i].ptr[0].tag == PETREL_UDF_VALUES_NODE_NIL) continue;
    next->tag = PETREL_UDF_VALUES_NODE_STRING;
    portable_string_dup(&next++->val.string, names[i]);
    // What the nodes point to goes along.
    memcpy(next, found[i].ptr, found[i].len * sizeof(node));
    next += found[i].len;
    map->val.map++;
  }
  next->tag = PETREL_UDF_VALUES_NODE_STRING;
  portable_string_dup(&next++->val.string, "visits");
  *next++ = integer(visits);
  for (size_t i = 0; i < COUNT(names); i++) free(found[i].ptr);
  result->len = next - result->ptr;
  return true;
}

typedef struct {
  const char *name, *doc;
  bool (*run)(arguments *, value *, error *);
  size_t count;
  const char *parameters[2][2];
} function;

static const function FUNCTIONS[] = {
    {"transform_record", "Tags the record with `a` and `b`, counts the visit and returns how many there were.",
     transform_record, 2, {{"a", "any"}, {"b", "any"}}},
    {"get_computed_value", "The record's score, 0 if it has none, multiplied by `factor`.",
     get_computed_value, 1, {{"factor", "int64_t"}}},
    {"process_record",
     "Marks the record as processed and returns its name, tier and visits; nil when it is missing.",
     process_record, 0, {{0}}},
};

void exports_petrel_udf_record_functions_describe(
    exports_petrel_udf_record_functions_list_function_info_t *described) {
  described->len = COUNT(FUNCTIONS);
  described->ptr = calloc(described->len, sizeof *described->ptr);
  if (!described->ptr) abort();
  for (size_t i = 0; i < described->len; i++) {
    const function *f = &FUNCTIONS[i];
    portable_string_dup(&described->ptr[i].name, f->name);
    portable_string_dup(&described->ptr[i].doc, f->doc);
    exports_petrel_udf_record_functions_option_list_parameter_t *parameters =
        &described->ptr[i].parameters;
    parameters->is_some = true;
    parameters->val.len = f->count;
    parameters->val.ptr = calloc(f->count + 1, sizeof *parameters->val.ptr);
    if (!parameters->val.ptr) abort();
    for (size_t p = 0; p < f->count; p++) {
      portable_string_dup(&parameters->val.ptr[p].name, f->parameters[p][0]);
      portable_string_dup(&parameters->val.ptr[p].type, f->parameters[p][1]);
    }
  }
}

// The host has counted the arguments; they are this function's to free.
bool exports_petrel_udf_record_functions_call(uint32_t number, arguments *given, value *result,
                                              error *why) {
  why->tag = EXPORTS_PETREL_UDF_RECORD_FUNCTIONS_ERROR_FAILED;
  if (number >= COUNT(FUNCTIONS)) abort();
  bool done = FUNCTIONS[number].run(given, result, why);
  exports_petrel_udf_record_functions_list_value_free(given);
  return done;
}
