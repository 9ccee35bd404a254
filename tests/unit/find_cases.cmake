# cmake -DSOURCE=test_x.c -DMODULE=x -DOUT=main.c -P find_cases.cmake: writes a main that runs every case of SOURCE.
file(STRINGS ${SOURCE} lines REGEX "^void test_[a-z0-9_]+\\(void \\*\\*state\\)")
set(declarations "")
set(entries "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE "^void (test_[a-z0-9_]+).*" "\\1" case ${line})
  if(NOT case MATCHES "^test_${MODULE}__[a-z0-9_]+$")
    message(FATAL_ERROR "${SOURCE}: '${case}' must be named test_${MODULE}__<case>")
  endif()
  string(APPEND declarations "void ${case}(void **state);\n")
  string(APPEND entries "        cmocka_unit_test(${case}),\n")
endforeach()
if(entries STREQUAL "")
  message(FATAL_ERROR "${SOURCE}: no case found")
endif()
file(WRITE ${OUT} "#include \"unit.h\"\n\n${declarations}
int main(void)
{
    const struct CMUnitTest cases[] = {
${entries}    };

    return cmocka_run_group_tests_name(\"${MODULE}\", cases, NULL, NULL);
}
")
