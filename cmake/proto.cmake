# SPDX-License-Identifier: Apache-2.0
# c2s_proto: the code that protoc-c makes of proto/onnx.proto. It is not ours, so the strict warnings
# do not apply to it, and its header counts as a system header: #include <onnx.pb-c.h>.
set(proto_dir ${CMAKE_BINARY_DIR}/generated/proto)
file(MAKE_DIRECTORY ${proto_dir})
if(EXISTS ${CMAKE_SOURCE_DIR}/proto/onnx.proto)
    add_custom_command(
        OUTPUT ${proto_dir}/onnx.pb-c.c ${proto_dir}/onnx.pb-c.h
        COMMAND ${PROTOC_C} --proto_path=${CMAKE_SOURCE_DIR}/proto --c_out=${proto_dir} onnx.proto
        DEPENDS ${CMAKE_SOURCE_DIR}/proto/onnx.proto
        COMMENT "protoc-c proto/onnx.proto" VERBATIM)
    set(proto_sources ${proto_dir}/onnx.pb-c.c ${proto_dir}/onnx.pb-c.h)
else()
    set(proto_sources ${CMAKE_SOURCE_DIR}/cmake/empty.c)
endif()
add_library(c2s_proto OBJECT ${proto_sources})
target_include_directories(c2s_proto SYSTEM PUBLIC ${proto_dir})
target_link_libraries(c2s_proto PUBLIC PkgConfig::PROTOBUF_C)
target_compile_options(c2s_proto PRIVATE -w -fvisibility=hidden)
