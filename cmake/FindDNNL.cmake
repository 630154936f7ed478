# SPDX-License-Identifier: Apache-2.0
# oneDNN as the target DNNL::dnnl. The package's own CMake file would also want OpenCL's headers,
# which nothing here uses.
include(FindPackageHandleStandardArgs)

find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.h)
find_library(DNNL_LIBRARY dnnl)
if(DNNL_INCLUDE_DIR)
    set(DNNL_VERSION "")
    file(STRINGS ${DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h dnnl_lines
         REGEX "#define DNNL_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
    foreach(part MAJOR MINOR PATCH)
        string(REGEX REPLACE ".*DNNL_VERSION_${part} +([0-9]+).*" "\\1" DNNL_VERSION_${part} "${dnnl_lines}")
        string(APPEND DNNL_VERSION "${DNNL_VERSION_${part}}.")
    endforeach()
    string(REGEX REPLACE "\\.$" "" DNNL_VERSION "${DNNL_VERSION}")
endif()

find_package_handle_standard_args(DNNL REQUIRED_VARS DNNL_LIBRARY DNNL_INCLUDE_DIR VERSION_VAR DNNL_VERSION)
if(DNNL_FOUND AND NOT TARGET DNNL::dnnl)
    add_library(DNNL::dnnl UNKNOWN IMPORTED)
    set_target_properties(DNNL::dnnl PROPERTIES IMPORTED_LOCATION "${DNNL_LIBRARY}"
                                                INTERFACE_INCLUDE_DIRECTORIES "${DNNL_INCLUDE_DIR}")
endif()
mark_as_advanced(DNNL_INCLUDE_DIR DNNL_LIBRARY)
