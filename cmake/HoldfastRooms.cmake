# holdfast_room(NAME [DEPS targets...] [PRIVATE_DEPS targets...]): one library of all .cc files in the current
# folder (not below it), as holdfast::NAME. DEPS are visible to those who link the room.
function(holdfast_room name)
  cmake_parse_arguments(ROOM "" "" "DEPS;PRIVATE_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(NOT sources)  # a room of headers only
    add_library(holdfast_${name} INTERFACE)
    add_library(holdfast::${name} ALIAS holdfast_${name})
    target_include_directories(holdfast_${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(holdfast_${name} INTERFACE ${ROOM_DEPS} ${ROOM_PRIVATE_DEPS})
    return()
  endif()
  add_library(holdfast_${name} STATIC ${sources})
  add_library(holdfast::${name} ALIAS holdfast_${name})
  target_include_directories(holdfast_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(holdfast_${name} PUBLIC ${ROOM_DEPS} PRIVATE ${ROOM_PRIVATE_DEPS})
  target_precompile_headers(holdfast_${name} REUSE_FROM holdfast_pch)
endfunction()

# What is only there for tests is built once and run briefly, so it isn't worth optimising.
function(holdfast_quick_build name)
  target_precompile_headers(${name} REUSE_FROM holdfast_test_support)
  target_compile_options(${name} PRIVATE -O0)
endfunction()

function(holdfast_test_program name)
  cmake_parse_arguments(TEST "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_executable(${name} ${sources})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${TEST_DEPS} holdfast_test_support)
  holdfast_quick_build(${name})
endfunction()

# holdfast_test(NAME [DEPS targets...]): one GoogleTest program of all .cc files in the current folder.
function(holdfast_test name)
  holdfast_test_program(${name} ${ARGN})
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
endfunction()

# holdfast_world_test(NAME [RELEASE_ONLY] FIXTURES fixtures... ENVIRONMENT variables... LABEL label DEPS targets...): the
# same, and what the fixtures of ctest's start runs meanwhile. RELEASE_ONLY: too much for sanitized builds.
function(holdfast_world_test name)
  cmake_parse_arguments(TEST "RELEASE_ONLY" "LABEL" "FIXTURES;ENVIRONMENT;CHANGES;DEPS" ${ARGN})
  holdfast_test_program(${name} DEPS ${TEST_DEPS})
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_LIST ${name}_tests PROPERTIES TIMEOUT 600)
  set(labels ${TEST_LABEL})
  if(TEST_RELEASE_ONLY)
    list(APPEND labels release-only)
  endif()
  # A property that is a list would be taken apart above. ctest itself runs this after it has found the tests.
  file(CONFIGURE OUTPUT ${name}_world.cmake @ONLY CONTENT
       "set_tests_properties(\${${name}_tests} PROPERTIES FIXTURES_REQUIRED \"${TEST_FIXTURES}\" ENVIRONMENT \"${TEST_ENVIRONMENT}\" ENVIRONMENT_MODIFICATION \"${TEST_CHANGES}\" LABELS \"${labels}\")\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}_world.cmake)
endfunction()

# holdfast_docker_test(NAME [PODMAN] [RELEASE_ONLY] [FIXTURES fixtures...] [DEPS targets...]): with a Docker Engine, with
# PODMAN Podman's service too; holdfast_docker_world is linked. All such tests of a build share them
# (tests/support/docker_world). FIXTURES: others of ctest's.
string(SHA256 holdfast_world_id ${PROJECT_BINARY_DIR})
string(SUBSTRING ${holdfast_world_id} 0 10 holdfast_world_id)
set(HOLDFAST_DOCKER_DIR /tmp/hf-${holdfast_world_id})  # short, for the sockets in it
function(holdfast_docker_test name)
  cmake_parse_arguments(TEST "PODMAN" "" "FIXTURES;DEPS" ${ARGN})
  set(fixtures docker_engine ${TEST_FIXTURES})
  set(world HOLDFAST_TEST_DOCKER=unix://${HOLDFAST_DOCKER_DIR}/docker.sock
      HOLDFAST_TEST_NETNS=${HOLDFAST_DOCKER_DIR}/netns HOLDFAST_TEST_IMAGE=holdfast-test:1)
  if(TEST_PODMAN)
    list(APPEND fixtures podman_service)
    list(APPEND world HOLDFAST_TEST_PODMAN=unix://${HOLDFAST_DOCKER_DIR}/podman/podman.sock)
  endif()
  holdfast_world_test(${name} ${TEST_UNPARSED_ARGUMENTS} FIXTURES ${fixtures} ENVIRONMENT ${world} LABEL docker
                      DEPS ${TEST_DEPS} holdfast_docker_world)
endfunction()

# holdfast_kube_test(NAME [NODE] [RELEASE_ONLY] [FIXTURES fixtures...] [DEPS targets...]): with a Kubernetes API server,
# with NODE all of Kubernetes, which runs pods; holdfast_kube_world is linked. All such tests of a build share the two
# clusters (tests/support/kube_world).
set(HOLDFAST_KUBE_API_DIR /tmp/hk-${holdfast_world_id})
set(HOLDFAST_KUBE_NODE_DIR /tmp/hn-${holdfast_world_id})
function(holdfast_kube_test name)
  cmake_parse_arguments(TEST "NODE" "" "FIXTURES;DEPS" ${ARGN})
  if(TEST_NODE)
    set(fixture kube_node)
    set(dir ${HOLDFAST_KUBE_NODE_DIR})
  else()
    set(fixture kube_api)
    set(dir ${HOLDFAST_KUBE_API_DIR})
  endif()
  holdfast_world_test(${name} ${TEST_UNPARSED_ARGUMENTS} FIXTURES ${fixture} ${TEST_FIXTURES} LABEL kubernetes
                      ENVIRONMENT HOLDFAST_TEST_KUBE=${dir} HOLDFAST_TEST_KUBECONFIG=${dir}/admin.kubeconfig
                      HOLDFAST_TEST_IMAGE=holdfast-test:1
                      CHANGES PATH=path_list_prepend:${dir}/tools DEPS ${TEST_DEPS} holdfast_kube_world)
endfunction()

# holdfast_fuzz(NAME SOURCE [DEPS targets...]): a libFuzzer program with its seeds in tests/fuzz/corpus/NAME.
function(holdfast_fuzz name source)
  cmake_parse_arguments(FUZZ "" "" "DEPS" ${ARGN})
  add_executable(fuzz_${name} ${source})
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzz_${name} PRIVATE ${FUZZ_DEPS})
  add_dependencies(fuzz fuzz_${name})
endfunction()
