/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/html_page.h"

#include <stdarg.h>

#include "cli/markup.h"

/* Colours of before and after differ in lightness as well as in hue. */
static const char style[] =
    ":root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;"
    "--panel:#f6f8fa;--before:#8c959f;--after:#0b5cad;--bad:#b42318;--good:#1a7f37;--fill:#"
    "0b5cad33}\n"
    "@media (prefers-color-scheme:dark){:root{--page:#0d1117;--ink:#e6edf3;--soft:#9aa4af;"
    "--line:#30363d;--panel:#161b22;--before:#7d8590;--after:#6cb6ff;--bad:#ff8f85;--good:#56d364;"
    "--fill:#6cb6ff33}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:72rem;padding:1.5rem;background:var(--page);color:var(--ink);"
    "font:1rem/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.6rem;margin:.2rem 0;overflow-wrap:anywhere}h2{font-size:1.2rem;margin:2.2rem 0 "
    ".6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}\n"
    "h3{font-size:1rem;margin:1.2rem 0 .3rem;overflow-wrap:anywhere}\n"
    "p{margin:.4rem 0;overflow-wrap:anywhere}.soft{color:var(--soft)}.bad{color:var(--bad);"
    "font-weight:600}.good{color:var(--good);font-weight:600}\n"
    "nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:0;margin:.8rem "
    "0}\n"
    "a{color:var(--after)}a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px "
    "solid var(--after);outline-offset:2px}\n"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;background:var(--page);padding:."
    "3rem}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums}\n"
    "caption{text-align:left;color:var(--soft);padding:.2rem 0}\n"
    "th,td{padding:.2rem .7rem;border-bottom:1px solid var(--line);text-align:right;"
    "vertical-align:top}\n"
    "td{white-space:nowrap}th:first-child,td.text{text-align:left;font-weight:400;white-space:"
    "normal}"
    "th:first-child{overflow-wrap:break-word;min-width:9rem;max-width:28rem}"
    "thead th,thead th:first-child{font-weight:600}#accuracy thead "
    "th:last-child{text-align:left}\n"
    "figure{margin:.8rem 0}figcaption{color:var(--soft);font-size:.9rem}\n"
    "svg{max-width:100%;height:auto;background:var(--panel);border:1px solid var(--line);"
    "border-radius:6px}\n"
    "svg.graph{max-width:none}\n"
    "svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg text.soft{fill:var(--soft)}\n"
    ".before{fill:var(--before)}.after{fill:var(--after)}.point{fill:var(--after)}"
    ".axis{stroke:var(--line)}\n"
    ".line-before{fill:none;stroke:var(--before);stroke-width:1.5}\n"
    ".line-after{fill:var(--fill);stroke:var(--after);stroke-width:1.5}\n"
    ".node{fill:var(--page);stroke:var(--ink)}.gone{stroke:var(--bad);stroke-dasharray:5 3}"
    ".new{stroke:var(--good);stroke-width:2.5}.kept{stroke:var(--line)}\n"
    ".edge{fill:none;stroke:var(--soft)}\n"
    ".pair{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}\n"
    ".grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(21rem,1fr));gap:1rem}\n"
    "@media print{body{max-width:none}details>*{display:block}}\n";

void cli_html_put(FILE *f, const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_markup(f, text);
}

void cli_html_begin(FILE *f, const char *title, const cli_html_link *sections) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
          "<meta charset=\"utf-8\"/>\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>",
          f);
    cli_markup(f, title);
    fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
    fputs("<a class=\"skip\" href=\"#main\">To the report</a>\n<header>\n"
          "<p class=\"soft\">onnx-c2s report</p>\n<h1>",
          f);
    cli_markup(f, title);
    fputs("</h1>\n<nav aria-label=\"Contents\">\n<ul>\n", f);
    for (; sections->id; sections++)
        fprintf(f, "<li><a href=\"#%s\">%s</a></li>\n", sections->id, sections->title);
    fputs("</ul>\n</nav>\n</header>\n<main id=\"main\">\n", f);
}

void cli_html_end(FILE *f, const char *version) {
    fputs("</main>\n<footer>\n<p class=\"soft\">", f);
    cli_markup(f, version);
    fputs("</p>\n</footer>\n</body>\n</html>\n", f);
}

void cli_html_section(FILE *f, const cli_html_link *section) {
    fprintf(f, "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">%s</h2>\n",
            section->id, section->id, section->id, section->title);
}

void cli_html_section_end(FILE *f) {
    fputs("</section>\n", f);
}

void cli_html_table(FILE *f, const char *caption, const char *const *head) {
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", f);
    cli_markup(f, caption);
    fputs("\">\n<table>\n<caption>", f);
    cli_markup(f, caption);
    fputs("</caption>\n<thead>\n<tr>", f);
    for (; *head; head++) {
        fputs("<th scope=\"col\">", f);
        cli_markup(f, *head);
        fputs("</th>", f);
    }
    fputs("</tr>\n</thead>\n<tbody>\n", f);
}

void cli_html_row(FILE *f, const char *name) {
    fputs("<tr><th scope=\"row\">", f);
    cli_markup_short(f, name, 160);
    fputs("</th>", f);
}

void cli_html_cell(FILE *f, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fputs("<td>", f);
    cli_markup(f, text);
    fputs("</td>", f);
}

void cli_html_row_end(FILE *f) {
    fputs("</tr>\n", f);
}

void cli_html_table_end(FILE *f) {
    fputs("</tbody>\n</table>\n</div>\n", f);
}

void cli_html_text(FILE *f, const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fputs("<p>", f);
    cli_markup(f, text);
    fputs("</p>\n", f);
}
