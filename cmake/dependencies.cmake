# SPDX-License-Identifier: Apache-2.0
# What we link to. C2S_CORE_LIBRARIES is everything but oneDNN, which belongs to runtime/ alone.
find_package(PkgConfig REQUIRED)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c>=1.3)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip>=1.5)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.9)
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng>=1.6)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp>=1.0)
pkg_check_modules(TIFF REQUIRED IMPORTED_TARGET libtiff-4>=4.5)
pkg_check_modules(OPENJPEG REQUIRED IMPORTED_TARGET libopenjp2>=2.5)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas>=0.3) # with LAPACK inside
set(C2S_CORE_LIBRARIES PkgConfig::PROTOBUF_C PkgConfig::LIBZIP PkgConfig::JANSSON PkgConfig::JPEG PkgConfig::PNG
                       PkgConfig::WEBP PkgConfig::TIFF PkgConfig::OPENJPEG PkgConfig::OPENBLAS)
# What a program needs beside libc2s.a: these alone, not what their own static forms would need.
set(C2S_PC_LIBS_PRIVATE ${PROTOBUF_C_LDFLAGS} ${LIBZIP_LDFLAGS} ${JANSSON_LDFLAGS} ${JPEG_LDFLAGS}
                        ${PNG_LDFLAGS} ${WEBP_LDFLAGS} ${TIFF_LDFLAGS} ${OPENJPEG_LDFLAGS}
                        ${OPENBLAS_LDFLAGS})

list(APPEND CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/cmake)
find_package(DNNL 2.6 MODULE REQUIRED)

if(C2S_OPENMP)
    find_package(OpenMP COMPONENTS C)
    if(NOT OpenMP_C_FOUND)
        message(WARNING "OpenMP was not found: our own code will use one thread")
    endif()
endif()

find_program(PROTOC_C NAMES protoc-c REQUIRED)
