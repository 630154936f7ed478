# SPDX-License-Identifier: Apache-2.0
# Binary, libraries, the one header, pkg-config and CMake package files, man page.
if(TARGET onnx-c2s)
    install(TARGETS onnx-c2s RUNTIME)
endif()
install(TARGETS c2s_shared c2s_static EXPORT c2s-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(EXISTS ${CMAKE_SOURCE_DIR}/src/c2s.h)
    install(FILES src/c2s.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/docs/onnx-c2s.1)
    install(FILES docs/onnx-c2s.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

set(c2s_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/c2s)
install(EXPORT c2s-targets NAMESPACE c2s:: DESTINATION ${c2s_cmake_dir})
configure_package_config_file(src/c2s-config.cmake.in generated/c2s-config.cmake
                              INSTALL_DESTINATION ${c2s_cmake_dir})
write_basic_package_version_file(generated/c2s-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/c2s-config.cmake
              ${CMAKE_BINARY_DIR}/generated/c2s-config-version.cmake
              cmake/FindDNNL.cmake
        DESTINATION ${c2s_cmake_dir})

list(APPEND C2S_PC_LIBS_PRIVATE -ldnnl -lm)
if(OpenMP_C_FOUND)
    list(APPEND C2S_PC_LIBS_PRIVATE ${OpenMP_C_FLAGS})
endif()
list(REMOVE_DUPLICATES C2S_PC_LIBS_PRIVATE)
list(JOIN C2S_PC_LIBS_PRIVATE " " C2S_PC_LIBS_PRIVATE)
# Relative to where the file lies, so that the tree may be moved or installed under another prefix.
file(RELATIVE_PATH C2S_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" C2S_PC_PREFIX "${C2S_PC_PREFIX}")
configure_file(src/c2s.pc.in generated/c2s.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/generated/c2s.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
