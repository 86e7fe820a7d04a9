//! HTML as Markdown: what each element comes to.

use serde_json::json;

use crate::support::{Server, fetch, ok, open_to, outcome, page_of, tool};

async fn check(html: &str, expected: &str) {
    let page = page_of("text/html; charset=utf-8", html, json!({})).await;
    assert_eq!(page["content"], expected, "{html}");
}

#[tokio::test]
async fn blocks_stand_apart_and_white_space_is_one_space() {
    check("one\n two \t three", "one two three").await;
    check(
        "<p>one<p>two</p>  <div>three</div>four",
        "one\n\ntwo\n\nthree\n\nfour",
    )
    .await;
    check("<div><div><p>one</p></div></div>", "one").await;
    check("one<br>two<br/>\n three", "one\ntwo\nthree").await;
    check("<p></p><p> </p>", "").await;
    check("<dl><dt>term<dd>meaning</dl>", "term\n\nmeaning").await;
    check(
        "a&nbsp;b &lt;c&gt; &amp; &eacute;&#x1F600;",
        "a\u{a0}b \\<c> & é😀",
    )
    .await;
    check("one<hr>two", "one\n\n---\n\ntwo").await;
    check("", "").await;
}

#[tokio::test]
async fn headings_have_their_level_and_one_line() {
    check(
        "<h1>A</h1>text<h2>B\n<br>b</h2><h6>C</h6>",
        "# A\n\ntext\n\n## B b\n\n###### C",
    )
    .await;
    check("<h2></h2>text", "text").await;
    check(
        "<h3><a href=http://a.example/>x</a> y</h3>",
        "### [x](http://a.example/) y",
    )
    .await;
    check("<h1>open<h2>next<p>text", "# open\n\n## next text").await;
    check("<b><h1>bold</h1></b> after", "# **bold**\n\nafter").await;
}

#[tokio::test]
async fn marks_stand_at_words() {
    check("a <b>b</b> c", "a **b** c").await;
    check("a<b> b </b>c", "a **b** c").await;
    check("a <b> </b><i></i>c", "a c").await;
    check("<b><i>x</i></b> <del>y</del>", "***x*** ~~y~~").await;
    check("<b><strong>x</strong> y</b>", "**x y**").await;
    check(
        "<b><p>one</p><p>two</p></b>three",
        "**one**\n\n**two**\n\nthree",
    )
    .await;
    check("<b>one<i>two</b>three</i>", "**one*two***three").await;
    check("<b>never closed", "**never closed**").await;
    check("</b></i></p>stray", "stray").await;
}

#[tokio::test]
async fn links_are_whole_and_lead_to_where_one_can_go() {
    let server = Server::start(|_| {
        ok(
            "text/html",
            "<a href=next>a</a> <a href=/top?q=1#x>b</a> <a href=//c.example>c</a> \
             <a href=mailto:x@y.example>m</a> <a href=javascript:x()>j</a> <a href=#here>h</a> \
             <a href=/dir/page#there>t</a> \
             <a name=n>n</a> <a href='/a b(c)'>p</a> <a href=/e></a><a href=/>\n<b> d </b>\n</a>e",
        )
    })
    .await;
    let content = outcome(&tool(open_to(&[&server])), &server.url("/dir/page")).await;
    let root = server.url("");
    let expected = format!(
        "[a]({root}/dir/next) [b]({root}/top?q=1#x) [c](http://c.example/) \
         [m](mailto:x@y.example) j h t n [p](<{root}/a%20b(c)>) [**d**]({root}/) e"
    );
    assert_eq!(content, Ok(expected));
    check(
        "<a href=http://a.example/><h2>Card</h2><p>text</p></a><p>after",
        "[Card text](http://a.example/)\n\nafter",
    )
    .await;
    check(
        "<a href=http://a.example/>one<a href=http://b.example/>two</a> three",
        "[one](http://a.example/)[two](http://b.example/) three",
    )
    .await;
    check(
        "<base href=http://b.example/x/><a href=y>z</a>",
        "[z](http://b.example/x/y)",
    )
    .await;
}

#[tokio::test]
async fn images_say_what_they_show() {
    check(
        "<img src=http://a.example/i.png alt='A  cat'> <img src=x><img alt=''>",
        "![A cat](http://a.example/i.png)",
    )
    .await;
    check("<img src=data:image/png;base64,AAAA alt=Dot>", "Dot").await;
    check(
        "<a href=http://a.example/><img src=http://a.example/i alt=logo></a>",
        "[![logo](http://a.example/i)](http://a.example/)",
    )
    .await;
}

#[tokio::test]
async fn lists_are_marked_and_indented() {
    check("<ul><li>one<li>two</ul>after", "- one\n- two\n\nafter").await;
    check("<ol start=9><li>a</li><li>b</li></ol>", "9. a\n10. b").await;
    check(
        "<ul>\n<li>one\n<ul>\n<li>in</li>\n</ul>\n</li>\n<li>two</li>\n</ul>",
        "- one\n  - in\n- two",
    )
    .await;
    check("<ol><li>a<ol><li>b</ol><li>c</ol>", "1. a\n   1. b\n2. c").await;
    check(
        "<ul><li><p>one</p><p>more</p></li><li>two</ul>",
        "- one\n\n  more\n\n- two",
    )
    .await;
    check("<ul><li></li><li>x</ul>", "- x").await;
    check("<li>stray", "- stray").await;
    check("<ol start=nonsense><li>a</ol>", "1. a").await;
}

#[tokio::test]
async fn quotes_are_quoted_line_by_line() {
    check(
        "<blockquote><p>one<p>two<br>three</blockquote>four",
        "> one\n>\n> two\n> three\n\nfour",
    )
    .await;
    check("<blockquote><ul><li>x</ul><blockquote>y", "> - x\n>\n> > y").await;
}

#[tokio::test]
async fn code_comes_as_it_is() {
    check("use <code>a * b_c [x]</code>.", "use `a * b_c [x]`.").await;
    check("<code>a`b</code> <code>`</code>", "``a`b`` `` ` ``").await;
    check(
        "<code><a href=/x>Vec</a>&lt;<b>T</b>&gt;</code>",
        "`Vec<T>`",
    )
    .await;
    check(
        "<pre><code class='hljs language-rust'>fn main() {\n    <span>x</span>();\n}\n</code></pre>after",
        "```rust\nfn main() {\n    x();\n}\n```\n\nafter",
    )
    .await;
    check("<pre>\n  two\n one\n\n</pre>", "```\n  two\n one\n```").await;
    check("<pre>a\n```\nb</pre>", "````\na\n```\nb\n````").await;
    check(
        "<pre>a<br>b<div>c</div><div>d</div></pre>",
        "```\na\nb\nc\nd\n```",
    )
    .await;
    check(
        "<ul><li>x<pre>a\n b</pre>y</ul>",
        "- x\n\n  ```\n  a\n   b\n  ```\n\n  y",
    )
    .await;
    check("<code>open<p>next", "`open`\n\nnext").await;
    check("<pre class='language-`evil'>x</pre>", "```\nx\n```").await;
}

#[tokio::test]
async fn tables_of_data_are_tables() {
    check(
        "<table><thead><tr><th>A</th> <th>B</th></tr></thead>\n<tbody><tr><td>1 <td>x|y<p>z\n\
         <tr><td></td></tr></tbody></table>after",
        "| A | B |\n| --- | --- |\n| 1 | x\\|y z |\n|  |\n\nafter",
    )
    .await;
    check(
        "<table><caption>Cap</caption><tr><td><b>x</td></tr></table>",
        "Cap\n\n| **x** |\n| --- |",
    )
    .await;
    check("<table><td> <p>a</p> <td> b", "| a | b |\n| --- | --- |").await;
    check("<table><td>a<td>b</table>", "| a | b |\n| --- | --- |").await;
    check(
        "<ul><li>x<table><tr><td>a<tr><td>b</table></ul>",
        "- x\n\n  | a |\n  | --- |\n  | b |",
    )
    .await;
}

#[tokio::test]
async fn nothing_within_a_cell_or_a_link_ends_it() {
    check(
        "<table><td><code>a|b</code> <a href='http://a.example/?x|y'>c</a></table>",
        "| `a\\|b` [c](http://a.example/?x%7Cy) |\n| --- |",
    )
    .await;
    check(
        "<a href='mailto:a>b<c d'>x</a> <a href='http://a.example/#<b>(c)|'>y</a>",
        "[x](<mailto:a%3Eb%3Cc d>) [y](<http://a.example/#%3Cb%3E(c)%7C>)",
    )
    .await;
}

#[tokio::test]
async fn tables_that_hold_tables_are_laid_out() {
    check(
        "<table><tr><td><table><tr><td>a<td>b</tr><tr><td>c<td>d</tr></table></td></tr>\
         <tr><td>foot<td>note</table>end",
        "| a | b |\n| --- | --- |\n| c | d |\n\nfoot note\n\nend",
    )
    .await;
    check("<li>w<table><td><table><hr>", "- w\n\n  ---").await;
}

#[tokio::test]
async fn what_a_browser_does_not_show_is_left_out() {
    check(
        "a<script>b<p></script><style>c</style><!-- d --><noscript>e</noscript><template>f\
         <p>g</template><svg><title>h</title><text>i</svg><textarea>j</textarea>\
         <select><option>k</select><iframe src=x>l</iframe>m",
        "am",
    )
    .await;
    check("a<div hidden>b<div>c</div>d</div>e", "ae").await;
    check(
        "a<span style='color:red; DISPLAY : none !important'>b</span>c",
        "ac",
    )
    .await;
    check("a<p hidden>b<p>c", "a\n\nb\n\nc").await;
    check("<svg/>a<script/>b</script>c", "ac").await;
    check("a<svg><svg></svg>b</svg>c", "ac").await;
    check("<title>t</title>a", "a").await;
}

#[tokio::test]
async fn words_do_not_become_marks() {
    check(
        "*a* _b_ snake_case 2*3 [x](y) `c` \\",
        "\\*a\\* \\_b\\_ snake_case 2\\*3 \\[x\\](y) \\`c\\` \\\\",
    )
    .await;
    check(
        "<p># a<p>- b<p>1. c<p>&gt; d<p>--- e<p>+ f<p>1) g",
        "\\# a\n\n\\- b\n\n1\\. c\n\n\\> d\n\n\\--- e\n\n\\+ f\n\n1\\) g",
    )
    .await;
    check("a # b - c 1. d &gt; e", "a # b - c 1. d > e").await;
    check("#tag -x 1.5 &lt;3 &lt; 4", "#tag -x 1.5 <3 < 4").await;
    check(
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "\\<script>alert(1)\\</script>",
    )
    .await;
    check("a<br># b", "a\n\\# b").await;
}

#[tokio::test]
async fn text_has_words_and_no_marks() {
    let html = "<h1>A</h1><p>b <b>c</b> <a href=/x>d</a> <img alt=e src=/y> *f*</p><ul><li>g</ul>\
                <pre>h\n  i</pre><code>j</code><table><tr><td>k<td>l<tr><td>m<td>n</table>\
                <blockquote>o</blockquote>";
    let server = Server::saying(ok("text/html", html)).await;
    let tool = tool(open_to(&[&server]));
    let args = json!({"url": server.url("/"), "format": "text"});
    let page = fetch(&tool, args).await.unwrap();
    assert_eq!(
        page["content"],
        "A\n\nb c d e *f*\n\n- g\n\nh\n  i\n\nj\n\nk\tl\nm\tn\n\no"
    );
}
