/* The documents name every option as the table has it. UPDATE_DOCS=1 writes them anew. */
#include "cli/optdoc.h"
#include "cli/options.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DOCS TEST_DATA "/../../docs/"

static struct buf read_file(const char *name)
{
    struct buf text = BUF_INIT(1 << 20);
    char chunk[4096];
    FILE *f = fopen(name, "re");
    if (!f)
        return text;
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        assert_int_equal(buf_add(&text, chunk, n), 0);
    fclose(f);
    return text;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* The file is `head`, `body` and `tail`; or becomes that. */
static void check_file(const char *name, const char *head, const char *body, const char *tail)
{
    struct buf want = BUF_INIT(1 << 20);
    struct buf have = read_file(name);
    assert_int_equal(buf_addf(&want, "%s%s%s", head, body, tail), 0);
    if (getenv("UPDATE_DOCS"))
        write_file(name, buf_str(&want));
    else
        assert_string_equal(buf_str(&have), buf_str(&want));
    buf_free(&have);
    buf_free(&want);
}

/* What stands between the line that holds `begin` and the place of `end` is to be `body`. */
static void check_part(const char *name, const char *begin, const char *end, const char *body)
{
    struct buf text = read_file(name);
    char *from = text.data ? strstr(text.data, begin) : NULL;
    assert_non_null(from);
    from += strlen(begin);
    char *to = strstr(from, end);
    assert_non_null(to);
    CLEANUP_FREE char *head = strndup(text.data, (size_t)(from - text.data));
    CLEANUP_FREE char *tail = strdup(to);
    check_file(name, head, body, tail);
    buf_free(&text);
}

static struct buf render(int (*make)(struct buf *))
{
    struct buf out = BUF_INIT(OPTDOC_MAX);
    assert_int_equal(make(&out), 0);
    return out;
}

static void the_man_page_describes_the_table(void **state)
{
    (void)state;
    struct buf body = render(optdoc_man);
    check_part(DOCS "icejobfs.1", ".\\\" options: begin\n", ".\\\" options: end\n", buf_str(&body));
    buf_free(&body);
}

static void the_sample_configuration_is_made_from_the_table(void **state)
{
    (void)state;
    struct buf body = render(optdoc_sample);
    check_file(DOCS "icejobfs.conf", "", buf_str(&body), "");
    buf_free(&body);
}

static void the_completion_knows_every_option(void **state)
{
    (void)state;
    struct buf body = render(optdoc_names);
    check_part(DOCS "completion/icejobfs.bash", "local names=\"", "\" # options", buf_str(&body));
    buf_free(&body);
}

/* Held against the table itself, not against the renderers. */
static void every_option_and_its_default_is_in_every_document(void **state)
{
    (void)state;
    size_t n;
    const struct option_row *rows = options_table(&n);
    struct buf docs[] = {render(optdoc_help), render(optdoc_man), render(optdoc_sample)};
    for (size_t i = 0; i < n; i++) {
        const char *def = rows[i].def ? rows[i].def : rows[i].def_words;
        for (size_t d = 0; d < ARRAY_LEN(docs); d++) {
            if (d == 2 && strcmp(rows[i].name, "config") == 0)
                continue; /* not allowed there */
            assert_non_null(strstr(buf_str(&docs[d]), rows[i].name));
            assert_non_null(strstr(buf_str(&docs[d]), rows[i].help));
            if (def)
                assert_non_null(strstr(buf_str(&docs[d]), def));
        }
    }
    for (size_t d = 0; d < ARRAY_LEN(docs); d++)
        buf_free(&docs[d]);
}

static void help_fits_a_terminal_of_100_columns(void **state)
{
    (void)state;
    struct buf text = render(optdoc_help);
    for (const char *line = buf_str(&text); *line; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, 100);
    buf_free(&text);
}

static void rendering_survives_every_failing_allocation(void **state)
{
    (void)state;
    static int (*const make[])(struct buf *) = {optdoc_help, optdoc_man, optdoc_sample,
                                                optdoc_names};
    for (size_t i = 0; i < ARRAY_LEN(make); i++) {
        for (unsigned n = 1;; n++) {
            struct buf out = BUF_INIT(OPTDOC_MAX);
            alloc_fail_at(n);
            int rc = make[i](&out);
            bool fired = alloc_fail_fired();
            buf_free(&out);
            assert_int_equal(rc, fired ? -1 : 0);
            if (!fired)
                break;
        }
    }
}

static void a_document_past_its_ceiling_is_refused_wherever_it_is_reached(void **state)
{
    (void)state;
    static int (*const make[])(struct buf *) = {optdoc_help, optdoc_man, optdoc_sample,
                                                optdoc_names};
    for (size_t i = 0; i < ARRAY_LEN(make); i++) {
        struct buf whole = render(make[i]);
        for (size_t room = 1; room < whole.len; room += 11) {
            struct buf small = BUF_INIT(room);
            assert_int_equal(make[i](&small), -1);
            buf_free(&small);
        }
        buf_free(&whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_man_page_describes_the_table),
        cmocka_unit_test(the_sample_configuration_is_made_from_the_table),
        cmocka_unit_test(the_completion_knows_every_option),
        cmocka_unit_test(every_option_and_its_default_is_in_every_document),
        cmocka_unit_test(help_fits_a_terminal_of_100_columns),
        cmocka_unit_test(rendering_survives_every_failing_allocation),
        cmocka_unit_test(a_document_past_its_ceiling_is_refused_wherever_it_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
