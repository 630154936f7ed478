/* SPDX-License-Identifier: Apache-2.0 */
#include "io/save.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "c2s_version.h"
#include "io/load_message.h"
#include "io/save_external.h"
#include "io/save_graph.h"
#include "io/text.h"

/* ---- the message ---- */

static int64_t version_of_dtype(c2s_dtype dtype) {
    switch (dtype) {
    case C2S_BFLOAT16:
        return 4;
    case C2S_FLOAT8E4M3FN:
    case C2S_FLOAT8E4M3FNUZ:
    case C2S_FLOAT8E5M2:
    case C2S_FLOAT8E5M2FNUZ:
        return 9;
    case C2S_UINT4:
    case C2S_INT4:
        return 10;
    case C2S_FLOAT4E2M1:
        return 11;
    case C2S_FLOAT8E8M0:
        return 12;
    case C2S_UINT2:
    case C2S_INT2:
        return 13;
    default:
        return 0;
    }
}

static int64_t higher(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t needed_version(const c2s_model *model) {
    int64_t version = model->functions.count ? 8 : model->opsets.count || !model->origin ? 3 : 0;
    if (model->sparse)
        version = higher(version, 6);
    for (size_t i = 0; i < model->values.count; i++) {
        const c2s_value *value = model->values.at[i];
        if (!value)
            continue;
        version = higher(version, version_of_dtype(value->type.dtype));
        if (!value->def && value->constant)
            version = higher(version, 4);
        if (value->type.kind == C2S_KIND_OPTIONAL || value->type.kind == C2S_KIND_SPARSE)
            version = higher(version, 8);
    }
    return version;
}

static c2s_status save_functions(c2s_saver *saver, Onnx__ModelProto *proto) {
    const c2s_model *model = saver->model;
    proto->n_functions = model->functions.count;
    proto->functions = c2s_arena_array(saver->arena, proto->n_functions, sizeof *proto->functions);
    for (size_t i = 0; i < proto->n_functions; i++) {
        const c2s_function *f = model->functions.at[i];
        c2s_status status = c2s_function_save(saver, f, &proto->functions[i]);
        if (status != C2S_OK) {
            c2s_note("function \"%s\"", f->name);
            return status;
        }
    }
    return C2S_OK;
}

static c2s_status build(c2s_saver *saver, Onnx__ModelProto *proto) {
    c2s_model *model = saver->model;
    if (model->origin) {
        *proto = *(const Onnx__ModelProto *)model->origin->message;
    } else {
        onnx__model_proto__init(proto);
        proto->producer_name = (char *)(uintptr_t) "onnx-c2s";
        proto->producer_version = (char *)(uintptr_t)C2S_VERSION;
    }
    int64_t version = higher(model->ir_version, needed_version(model));
    if (version != proto->ir_version) {
        proto->has_ir_version = 1;
        proto->ir_version = version;
    }
    proto->n_opset_import = model->opsets.count;
    proto->opset_import = c2s_opsets_save(saver, model->opsets.at, model->opsets.count);
    C2S_TRY(save_functions(saver, proto));
    return c2s_graph_save(saver, model->graph, &proto->graph);
}

static void saver_init(c2s_saver *saver, c2s_model *model) {
    *saver = (c2s_saver){.model = model, .arena = c2s_arena_create()};
    c2s_save_names_init(&saver->names, model);
}

static void saver_free(c2s_saver *saver) {
    c2s_save_names_free(&saver->names);
    c2s_arena_destroy(saver->arena);
}

/* ---- writing ---- */

typedef struct stream_buffer {
    ProtobufCBuffer base;
    c2s_atomic_file *file;
    bool failed;
    int error; /* errno of the failure */
} stream_buffer;

static void stream_append(ProtobufCBuffer *base, size_t size, const uint8_t *data) {
    stream_buffer *buffer = (stream_buffer *)base;
    /* data is null where a message holds a present but empty field of bytes */
    if (buffer->failed || c2s_atomic_write(buffer->file, data, size))
        return;
    buffer->failed = true;
    buffer->error = errno;
}

static const char *shown(const char *path) {
    return strcmp(path, "-") == 0 ? "standard output" : path;
}

static c2s_status write_message(const ProtobufCMessage *message, const char *path,
                                c2s_atomic_file *file) {
    stream_buffer buffer = {.base = {stream_append}, .file = file};
    protobuf_c_message_pack_to_buffer(message, &buffer.base);
    if (buffer.failed)
        return c2s_fail(C2S_ERR_IO, "%s: cannot write: %s", shown(path), strerror(buffer.error));
    return C2S_OK;
}

/* The two files of a model with external data, neither of them in place yet. */
typedef struct output {
    const char *path;
    c2s_atomic_file model;
    c2s_external_writer data;
    char *data_path; /* NULL: there is no data file */
} output;

static char *with_suffix(const char *path, const char *suffix) {
    size_t size = strlen(path) + strlen(suffix) + 1;
    char *text = c2s_alloc(size);
    snprintf(text, size, "%s%s", path, suffix);
    return text;
}

/* The files that the model was read from stay as they are, unless it is written over itself. */
static c2s_status check_place(const c2s_model *model, const char *path, const char *model_path) {
    bool needed = model->origin && c2s_message_needs(model->origin, path, model_path);
    for (size_t i = 0; i < model->other_origins.count && !needed; i++)
        needed = c2s_message_needs(model->other_origins.at[i], path, model_path);
    return needed ? c2s_fail(C2S_ERR_USAGE, "%s: the data of the model that was read is in it",
                             path)
                  : C2S_OK;
}

c2s_status c2s_save_check(const c2s_model *model, const char *path,
                          const c2s_save_options *options) {
    if (c2s_file_is_stream(path))
        return C2S_OK;
    C2S_TRY(check_place(model, path, path));
    if (c2s_text_is_path(path) ||
        !((options && options->external_data) || c2s_message_has_external(model->origin)))
        return C2S_OK;
    char *data_path = with_suffix(path, ".data");
    c2s_status status = check_place(model, data_path, path);
    free(data_path);
    return status;
}

static c2s_status commit(output *out) {
    return out->data_path ? c2s_atomic_commit_both(&out->data.file, &out->model)
                          : c2s_atomic_commit(&out->model);
}

static void output_close(output *out) {
    c2s_atomic_abort(&out->model);
    c2s_atomic_abort(&out->data.file);
    free(out->data_path);
}

static c2s_status place_data(c2s_saver *saver, output *out, const c2s_save_options *options,
                             bool all, ProtobufCMessage **message) {
    c2s_externalizer e = {.arena = saver->arena, .all = all};
    if (!c2s_file_is_stream(out->path)) {
        out->data_path = with_suffix(out->path, ".data");
        const char *slash = strrchr(out->data_path, '/');
        e.location = slash ? slash + 1 : out->data_path;
        C2S_TRY(check_place(saver->model, out->data_path, out->path));
        C2S_TRY(c2s_external_write_open(&out->data, out->data_path));
        e.writer = &out->data;
        e.threshold = options && options->external_threshold ? options->external_threshold
                                                             : C2S_EXTERNAL_THRESHOLD;
    }
    C2S_TRY(c2s_externalize(&e, *message, message));
    if (out->data_path && !e.used) {
        c2s_atomic_abort(&out->data.file);
        free(out->data_path);
        out->data_path = NULL;
    }
    return C2S_OK;
}

static c2s_status write_model(c2s_saver *saver, output *out, const c2s_save_options *options) {
    Onnx__ModelProto proto;
    ProtobufCMessage *message = &proto.base;
    C2S_TRY(build(saver, &proto));
    bool all = (options && options->external_data) ||
               protobuf_c_message_get_packed_size(message) > INT_MAX;
    if (all || c2s_message_has_external(saver->model->origin))
        C2S_TRY(place_data(saver, out, options, all, &message));
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > INT_MAX) {
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "%s: the model takes %zu bytes%s, a file of the format holds at most %d",
                        shown(out->path), size, out->data_path ? " besides its external data" : "",
                        INT_MAX);
    }
    C2S_TRY(c2s_atomic_open(out->path, &out->model));
    return write_message(message, out->path, &out->model);
}

c2s_status c2s_model_save(c2s_model *model, const char *path, const c2s_save_options *options) {
    C2S_TRY(c2s_save_check(model, path, options));
    if (c2s_text_is_path(path))
        return c2s_text_save(model, path);
    c2s_saver saver;
    output out = {.path = path};
    saver_init(&saver, model);
    c2s_status status = write_model(&saver, &out, options);
    if (status == C2S_OK)
        status = commit(&out);
    output_close(&out);
    saver_free(&saver);
    return status;
}

/* ---- without a file ---- */

c2s_status c2s_model_file_size(c2s_model *model, uint64_t *size) {
    c2s_saver saver;
    Onnx__ModelProto proto;
    saver_init(&saver, model);
    c2s_status status = build(&saver, &proto);
    if (status == C2S_OK)
        *size = protobuf_c_message_get_packed_size(&proto.base) + c2s_external_size(&proto.base);
    saver_free(&saver);
    return status;
}

static c2s_status pack(c2s_saver *saver, void **data, size_t *size) {
    Onnx__ModelProto proto;
    ProtobufCMessage *message = &proto.base;
    C2S_TRY(build(saver, &proto));
    c2s_externalizer inlining = {.arena = saver->arena};
    C2S_TRY(c2s_externalize(&inlining, message, &message));
    *size = protobuf_c_message_get_packed_size(message);
    *data = *size <= INT_MAX ? malloc(*size ? *size : 1) : NULL;
    if (!*data)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for a model of %zu bytes", *size);
    protobuf_c_message_pack(message, *data);
    return C2S_OK;
}

c2s_status c2s_model_save_memory(c2s_model *model, void **data, size_t *size) {
    c2s_saver saver;
    *data = NULL;
    saver_init(&saver, model);
    c2s_status status = pack(&saver, data, size);
    saver_free(&saver);
    return status;
}
