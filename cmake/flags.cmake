# Warnings, feature macros and sanitizers for every target of the project.
add_compile_definitions(_POSIX_C_SOURCE=200809L _DEFAULT_SOURCE _XOPEN_SOURCE=700 _FILE_OFFSET_BITS=64)
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
                    -Wundef -Wpointer-arith -Wformat=2 -Wno-format-nonliteral
                    -ffunction-sections -fdata-sections -fno-strict-aliasing)
add_link_options(-Wl,--as-needed -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now)
if(HFHUB_WERROR)
  add_compile_options(-Werror)
endif()

if(HFHUB_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(HFHUB_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
else()
  add_compile_options(-fstack-protector-strong)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Debug" OR NOT HFHUB_SANITIZE STREQUAL "none")
  add_compile_definitions(HF_DEBUG_ASSERTS)
endif()
