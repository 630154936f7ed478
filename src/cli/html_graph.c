/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTML report: what changed in the graph, drawn before and after.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "cli/changed_regions.h"
#include "cli/html_data.h"
#include "cli/markup.h"

enum {
    REGIONS_SHOWN = 12,
    NODES_SHOWN = 36,
    BOX_WIDTH = 168,
    BOX_HEIGHT = 40,
    GAP_X = 18,
    GAP_Y = 34
};

typedef struct box {
    const c2s_node *node;
    bool changed; /* not one that is in both graphs */
    unsigned row, column;
} box;

/* The nodes of a region in one graph and the unchanged ones beside them, in rows from top to
 * bottom. */
typedef struct drawing {
    const char *changed; /* the class of nodes that are in this graph alone */
    C2S_VEC(box) boxes;  /* in the order of the graph */
    c2s_map place;       /* node -> index in boxes + 1 */
    unsigned rows, columns;
} drawing;

static void add_box(drawing *d, const c2s_node *node, bool changed) {
    if (d->boxes.count >= NODES_SHOWN || !node || node == node->graph->entry ||
        node == node->graph->exit || c2s_map_get(&d->place, node))
        return;
    c2s_vec_push(&d->boxes, ((box){node, changed, 0, 0}));
    c2s_map_put(&d->place, node, (void *)(uintptr_t)d->boxes.count);
}

static void add_readers(drawing *d, const c2s_node *node) {
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k])
            c2s_value_each_use(use, node->outputs[k]) {
                add_box(d, use->user, false);
            }
}

static void add_nodes(drawing *d, const cli_nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++)
        add_box(d, nodes->at[i], true);
    const size_t changed = d->boxes.count;
    for (size_t i = 0; i < changed; i++) {
        const c2s_node *node = d->boxes.at[i].node;
        for (unsigned k = 0; k < node->input_count; k++)
            if (node->inputs[k].value && !node->inputs[k].value->constant)
                add_box(d, node->inputs[k].value->def, false);
        add_readers(d, node);
    }
}

static box *box_of(const drawing *d, const c2s_node *node) {
    const uintptr_t place = node ? (uintptr_t)c2s_map_get(&d->place, node) : 0;
    return place ? &d->boxes.at[place - 1] : NULL;
}

/* What nothing in the drawing comes before stands right above its first reader. */
static void lower_sources(drawing *d) {
    for (size_t i = 0; i < d->boxes.count; i++) {
        box *b = &d->boxes.at[i];
        unsigned least = UINT_MAX;
        for (unsigned k = 0; k < b->node->output_count && b->row == 0; k++)
            if (b->node->outputs[k])
                c2s_value_each_use(use, b->node->outputs[k]) {
                    const box *reader = box_of(d, use->user);
                    least = reader && reader->row < least ? reader->row : least;
                }
        if (least != UINT_MAX && least > 1)
            b->row = least - 1;
    }
}

/* Rows grow along edges until none goes upwards: boxes are few, and in no particular order. */
static void set_rows(drawing *d) {
    bool moved = true;
    for (size_t turn = 0; moved && turn <= d->boxes.count; turn++) {
        moved = false;
        for (size_t i = 0; i < d->boxes.count; i++) {
            box *b = &d->boxes.at[i];
            for (unsigned k = 0; k < b->node->input_count; k++) {
                const c2s_value *value = b->node->inputs[k].value;
                const box *above = value ? box_of(d, value->def) : NULL;
                if (above && above->row + 1 > b->row) {
                    b->row = above->row + 1;
                    moved = true;
                }
            }
        }
    }
    lower_sources(d);
    unsigned *filled = c2s_zalloc((d->boxes.count + 2) * sizeof *filled);
    for (size_t i = 0; i < d->boxes.count; i++) {
        box *b = &d->boxes.at[i];
        b->column = filled[b->row]++;
        d->rows = b->row + 1 > d->rows ? b->row + 1 : d->rows;
        d->columns = b->column + 1 > d->columns ? b->column + 1 : d->columns;
    }
    free(filled);
}

static unsigned left_of(const box *b) {
    return GAP_X + b->column * (BOX_WIDTH + GAP_X);
}

static unsigned top_of(const box *b) {
    return GAP_Y / 2 + b->row * (BOX_HEIGHT + GAP_Y);
}

static void put_edges(FILE *f, const drawing *d, const box *b) {
    for (unsigned k = 0; k < b->node->input_count; k++) {
        const c2s_value *value = b->node->inputs[k].value;
        const box *from = value ? box_of(d, value->def) : NULL;
        if (!from)
            continue;
        const unsigned x1 = left_of(from) + BOX_WIDTH / 2, y1 = top_of(from) + BOX_HEIGHT;
        const unsigned x2 = left_of(b) + BOX_WIDTH / 2, y2 = top_of(b);
        /* Around the boxes that lie between. */
        const unsigned aside = x1 == x2 && b->row > from->row + 1 ? BOX_WIDTH * 2 / 3 : 0;
        fprintf(f, "<path class=\"edge\" d=\"M%u %uC%u %u %u %u %u %u\"/>\n", x1, y1, x1 + aside,
                y1 + GAP_Y / 2, x2 + aside, y2 - GAP_Y / 2, x2, y2);
    }
}

static void put_box(FILE *f, const drawing *d, const box *b) {
    const unsigned x = left_of(b), y = top_of(b);
    fprintf(f, "<g><title>");
    cli_markup_short(f, c2s_node_text(b->node), 200);
    fprintf(
        f,
        "</title><rect class=\"node %s\" x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" rx=\"5\"/>",
        b->changed ? d->changed : "kept", x, y, BOX_WIDTH, BOX_HEIGHT);
    fprintf(f, "<text x=\"%u\" y=\"%u\" text-anchor=\"middle\">", x + BOX_WIDTH / 2, y + 17);
    cli_markup_short(f, b->node->type, 22);
    fprintf(f, "</text><text x=\"%u\" y=\"%u\" text-anchor=\"middle\" class=\"soft\">",
            x + BOX_WIDTH / 2, y + 32);
    cli_markup_short(f, c2s_node_name(b->node), 22);
    fputs("</text></g>\n", f);
}

static void put_drawing(FILE *f, const char *what, const char *changed, const cli_nodes *nodes) {
    drawing d = {.changed = changed};
    add_nodes(&d, nodes);
    set_rows(&d);
    const unsigned width = GAP_X + d.columns * (BOX_WIDTH + GAP_X);
    const unsigned height = d.rows * (BOX_HEIGHT + GAP_Y);
    fputs("<figure class=\"scroll\" tabindex=\"0\">\n<figcaption>", f);
    cli_html_put(f, "%s: %zu node%s%s", what, nodes->count, nodes->count == 1 ? "" : "s",
                 nodes->count > NODES_SHOWN ? ", not all of them drawn" : "");
    fputs("</figcaption>\n", f);
    if (nodes->count > 0) {
        fprintf(f,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"graph\" role=\"img\" "
                "width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\"><title>%s</title>\n",
                width, height, width, height, what);
        for (size_t i = 0; i < d.boxes.count; i++)
            put_edges(f, &d, &d.boxes.at[i]);
        for (size_t i = 0; i < d.boxes.count; i++)
            put_box(f, &d, &d.boxes.at[i]);
        fputs("</svg>\n", f);
    }
    fputs("</figure>\n", f);
    c2s_vec_free(&d.boxes);
    c2s_map_free(&d.place);
}

static void put_region(FILE *f, const cli_region *r) {
    const cli_nodes *named = r->before.count ? &r->before : &r->after;
    fputs("<h3>", f);
    cli_html_put(f, "%zu to %zu nodes", r->before.count, r->after.count);
    if (r->alike > 1)
        cli_html_put(f, ", in %zu places", r->alike);
    fputs(": at ", f);
    cli_markup_short(f, c2s_node_text(named->at[0]), 100);
    fputs("</h3>\n<div class=\"pair\">\n", f);
    put_drawing(f, "before", "gone", &r->before);
    put_drawing(f, "after", "new", &r->after);
    fputs("</div>\n", f);
}

void cli_html_graph(FILE *f, cli_html_data *d) {
    cli_regions regions = {0};
    size_t places = 0;
    cli_regions_find(d->before.model.model->graph, d->after.model.model->graph, &regions);
    for (size_t i = 0; i < regions.count; i++)
        places += regions.at[i].alike;
    if (places == 0)
        cli_html_text(f, "No node is another one.");
    else
        cli_html_text(f,
                      "%zu places changed, of %zu kinds. Dashed red: nodes that are gone, or had "
                      "other constants; thick green: what is there now; the others are their "
                      "neighbours. Constants are not drawn.",
                      places, regions.count);
    for (size_t i = 0; i < regions.count && i < REGIONS_SHOWN; i++)
        put_region(f, &regions.at[i]);
    if (regions.count > REGIONS_SHOWN)
        cli_html_text(f, "%zu smaller kinds of changes are not shown.",
                      regions.count - REGIONS_SHOWN);
    cli_regions_free(&regions);
}
