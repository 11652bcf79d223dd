"""Patterns of text that its author did not write: quotations, reposts, boilerplate, code."""

import re

OPEN, CLOSE = '“「『"', '”」』"'
QUOTED = re.compile(
    rf"(.{{0,40}}?)([{OPEN}].*[{CLOSE}])[。.]?\s*((?:——|—|–|--|-)\s*.{{1,40}})?", re.DOTALL
)
# '— Ann Lee, The Pier' and '——老子', not '——他说完就走了'.
SIGNATURE = re.compile(
    r"(?:——|—|–|--|-)\s*(?!(?:I|Me|My|Myself|We|You|He|She|They|It|The|And|But|So|Then|Or)\b)"
    r"(?:[A-Z][\w.'’-]*(?: (?:[A-Z][\w.'’-]*|de|la|di|da|von|van|der|bin|al)){0,4}(?:, .{1,40})?|"
    r"(?![我你您他她它这那就于然但可所因不没还也是有在说])[一-鿿·•]{2,10}"
    r"(?<![说道了的着过吧吗呢啊])(?:《[^》]{1,30}》)?)"
)
# Calls to subscribe, in short paragraphs. FOOTER_LAST counts only near the end of a text.
FOOTER_SURE = re.compile(
    r"欢迎(大家)?(关注|订阅|转发)|关注(我的|本)?(公众号|频道|账号|微博|订阅号)|"
    r"(点|来)(一)?[个波]?关注|扫(描|码)|长按.{0,8}二维码|"
    r"转载请(注明|联系)|未经.{0,6}(授权|许可|允许).{0,6}(转载|禁止|不得)|版权所有|阅读原文|"
    r"求?(一键)?三连|"
    r"点(个)?赞.{0,6}(关注|在看|收藏)|^本文(首发|最初发表)|subscribe (to|now|here|below|for)|"
    r"(please|don't forget to) (subscribe|like and)|"
    r"sign up (for|to) (my|our|the) .{0,20}(newsletter|list)|follow (me|us) on|all rights reserved|"
    r"share this (post|article)|originally (published|posted|appeared) (on|at|in)|buy me a coffee",
    re.IGNORECASE,
)
FOOTER_LAST = re.compile(
    r"公众号|订阅|社群|(请|欢迎|可以)加.{0,4}微信|加我.{0,2}微信|原文链接|"
    r"(欢迎|请|记得|可以)关注|关注一下|下期见|newsletter|leave a comment|read more|rss",
    re.IGNORECASE,
)
_DATE = r"\d{4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,2}日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?"
# Lines that web sites put around a text.
PLATFORM = re.compile(
    rf"(首次|最后)?(发布|编辑|发表|创建|更新|修改)(于|时间|日期)\s*[:：]?\s*{_DATE}.{{0,20}}|"
    r"(阅读|点赞|赞同|赞|喜欢|收藏|评论|分享|转发|在看|浏览|访问)"
    r"(量|数|次数)?\s*[:：]?\s*[\d.,]+\s*[万kKwW]?\+?|"
    r"阅读全文|添加评论|写留言|展开全部|收起全文|\d+\s*(人|位\S{0,6})?赞同了?该(回答|文章)|"
    r"著作权归作者所有.{0,60}|"
    r"(链接|来源)[:：]\s*(知乎|简书|CSDN)?|商业转载请联系.{0,40}|版权声明[:：].{0,120}|"
    r"本文为博主原创文章.{0,80}|"
    r"(人划线|微信扫一扫\S{0,20}|喜欢此内容的人还喜欢|预览时标签不可点|原创\s.{1,30}公众号.{0,30})|"
    r"小礼物走一走.{0,20}|"
    r"\d+ min(ute)?s? read|member-only story|press enter or click to view image in full size|"
    r"photo by .{2,40} on (unsplash|pexels|pixabay)|discussion about this post|ready for more\?|"
    r"thanks for reading .{0,60}! subscribe for free.{0,80}|"
    r".{2,60} is a reader-supported publication.{0,160}|"
    r"get .{2,40}.s stories in your inbox|share this post|"
    r"this post is (public|for paid subscribers).{0,60}|"
    r"\d+ (claps?|responses?)|(sign (up|in)|open in app|listen|more from medium)",
    re.IGNORECASE,
)
REPOST = re.compile(
    r"//\s?@[^\s:：]{1,30}[:：]?|RT @\w{1,30}:|转发微博[。.]?$|轉發微博$|"
    r"(本文|文章)?(转自|转载自|转载于|转贴自|来源|出处|原文(链接|地址|出处|标题)?)\s*[:：].{0,80}$|"
    r"(source|reposted from|cross-?posted (from|at)|originally published (at|in|on)|"
    r"h/t)\s*:.{0,80}$|"
    r"via\s*:?\s*(@\w+)?$",
    re.IGNORECASE,
)
REPOST_CHAIN = re.compile(r"(?=//\s?@[^\s:：/]{1,30}[:：])|(?=\bRT @\w{1,30}:)")
_MODEL = (
    r"(ChatGPT|GPT-?[345o.]*|DeepSeek|Claude|Gemini|Kimi|豆包|文心一言|通义千问|人工智能|大模型|AI)"
)
MACHINE = re.compile(
    r"(certainly|sure|of course|absolutely)[!,.]\s+(here('s| is| are)|below (is|are))\b.{0,160}|"
    r"as an ai( language)? (model|assistant),? i\b.*|as a large language model,? i\b.*|"
    r"(很抱歉，|抱歉，)?作为一?(个|名|款)(人工智能|AI)(语言模型|助手|模型|程序)?，我.*|"
    r"(当然(可以)?|好的)！(以下|下面)是.{0,120}|"
    rf"(本文|全文|以上内容|以下内容|本段|摘要)(完全|全部|均)?(由|是由)\s*{_MODEL}\s*(自动|辅助)?"
    rf"(生成|撰写|写成|总结|提供).{{0,40}}|"
    r"(this (post|article|summary|text) (was|is) )?(entirely |automatically )?"
    r"(generated|written|summari[sz]ed) "
    r"(by|with|using) (ai|chatgpt|gpt-?\d?|claude|gemini|deepseek)\b.{0,60}|"
    r"i hope this (email|message|helps)( finds you well)?[.!] "
    r"(let me know if|feel free to).{0,120}",
    re.IGNORECASE | re.DOTALL,
)
AS_AN_AI = re.compile(
    r"(?m)^(?:As an AI (?:language )?model,? I|"
    r"作为一?[个名]?(?:AI|人工智能)(?:语言模型|助手)，我)"
)
SUMMARY = re.compile(
    r"key takeaways?|(ai|文章|智能|自动)\s*(摘要|总结|导读|速读)|"
    r"(内容)?由\s*AI\s*(生成|总结)的?(摘要|总结)?|"
    r"ai[- ](generated )?(summary|overview)|summary by ai|generated summary",
    re.IGNORECASE,
)
AFTER_SUMMARY = re.compile(r"full (content|text|transcript)|正文|全文|原文", re.IGNORECASE)
REFERENCES = re.compile(
    r"(本文|主要)?参考(资料|文献|链接|阅读|来源|书目)?(与引用|列表)?|參考(資料|文獻)|"
    r"引用(文献|来源|资料)?|资料来源|(延伸|扩展|拓展|推荐|相关)(阅读|链接|文章|推荐)|"
    r"友情链接|相关帖子|更多文章|往期(推荐|回顾|文章|精选)|references?|bibliography|works cited|"
    r"sources?|citations?|further reading|"
    r"see also|links|related( posts| reading| articles)?|you (may|might) also like",
    re.IGNORECASE,
)
CITATION = re.compile(
    r"\(\d{4}[a-z]?\)|（\d{4}[a-z]?）|[,，.．:] ?(19|20)\d\d\b[-,，.:;)（(]?|\[[JMCDPNRZA](/OL)?\]|"
    r"\bdoi\b|\barxiv\b|\bet al\b|\bISBN\b|"
    r"\bpp?\. ?\d|出版社|^\W*\[?\d*\]?\W*《[^》]{1,40}》[^。！？我]{0,30}$",
    re.IGNORECASE,
)
CONTENTS = re.compile(
    r"(本文|文章)?目录|目錄|(table of )?contents|in this (post|article)|on this page", re.IGNORECASE
)
CONTENTS_LINE = re.compile(r".{1,60}?(\.{3,}|…+|·{3,}|\t)\s*\d{1,4}$")
TIMELINE = re.compile(
    r"时间(轴|线|戳)|本期(内容|时间轴)|timestamps?|chapters|show ?notes", re.IGNORECASE
)
TIMESTAMP = re.compile(
    r"[-*•\s\[(（【]*(\d{1,2}):(\d{2})(?::(\d{2}))?[\])）】]?(?:\s*[-–—~]\s*[\d:]+)?\s*\S"
)
LYRICS = re.compile(
    r"(歌词|歌詞|作词|作曲|编曲|填词|词曲|演唱|原唱|词|曲)\s*[:：/].{0,40}|歌词|lyrics|"
    r"(lyrics|words (and|&) music|music|written|sung) by\b.{0,40}",
    re.IGNORECASE,
)
LYRICS_TIME = re.compile(r"(?m)^\[\d{1,2}:\d{2}(?:[.:]\d{1,3})?\]")
CODE_HINT = re.compile(
    r"[=(){}\[\];<>#/$@:]|^(import|from|sudo|cd|git|npm|pip3?|else|try|return)\b"
)
CODE_SURE = re.compile(
    r".*[=(){}\[\]<>\"'].*[;{}]$|[{}\])]+[;,]?$|"
    r"(import|from) [\w.]+( import [\w*, ]+)?( as \w+)?$|(def|class) \w+\(?.*:$|#include\b.*|"
    r"(async )?function \w*\(.*|(const|let|var) \w+ ?=.*|@\w+(\.\w+)*(\(.*\))?$|"
    r"(print|console\.log|printf)\(.*|"
    r"(SELECT|INSERT|UPDATE|DELETE) .*(FROM|INTO|SET) .*|"
    r"</?[a-z]\w*( [^>]*)?>.*|(\$|>>>|#) [a-z./].*|[\w.\[\]]+ [-+*/]?= \S.*|"
    r"(sudo |apt(-get)? |pip3? |npm |git |docker |curl |wget |cd |conda |brew )\S.*",
    re.ASCII,
)
CODE_MAYBE = re.compile(
    r"(if|for|while|elif|else|try|except|with|return|switch|case)\b.*[:{;)]?$|"
    r"[\w.]+\(.*\)[;,:]?$|(#|//|/\*|\*|--) ?\S.*|"
    r"[\w\"'.-]+: ?\S+,?$|\.\w+.*|[\w.]+,?$",
    re.ASCII,
)
COMMAND = re.compile(
    r"(\$|>>>) [a-z./][^。，！？]*|"
    r"(pip3?|npm|apt(-get)?|brew|conda) (install|i|add) [^。，！？\s]+( \S+){0,4}|"
    r"git clone( \S*[:/]\S*)?|docker (run|pull) \S+( \S+){0,6}|ollama (run|pull) \S+"
)
FIRST_PERSON = re.compile(
    r"我(曾|又|就|便|当时|在.{0,12}(里|中))?(说|写|答|回|想|问)|"
    r"\bI (once |also |then )?(said|wrote|answered|replied|asked)",
    re.IGNORECASE,
)
INTRODUCES_QUOTE = re.compile(
    r"(写道|说道?|所言|曰|云|指出|认为|回忆道|原文(是|如下)?|引用如下|如下)[，,]?[:：]?$|"
    r"(wrote|writes|said|says|put it|"
    r"quote|argues|reads|as follows)[,:]?$",
    re.IGNORECASE,
)
# Whole documents.
REPOST_TITLE = re.compile(
    r"[\[【(（]?(转载?|轉載|搬运|转帖)[\]】)）:：]|\[?(repost|reblog|RT)[\]:]", re.IGNORECASE
)
REPOST_LINE = re.compile(
    r"(本文|文章|全文|内容)?(系|均)?(转自|转载自|转载于|转贴自|轉載自|转载[:：])|"
    r"(reposted|reprinted) (with permission )?from\b",
    re.IGNORECASE,
)
OWN_SITE = re.compile(r"我|本人|本站|本博|自己|\bmy\b|\bmine\b", re.IGNORECASE)
# The sample post of a new blog: Hexo, Jekyll, WordPress, Typecho, Halo.
SAMPLE_POST = re.compile(
    r"Welcome to \[?Hexo\b.{0,40}! This is your very first post|"
    r"You[’']ll find this post in your [`\\]?_posts`? directory. Go ahead and edit it|"
    r"(Welcome to WordPress\.|欢迎使用\s?WordPress。)\s?"
    r"(This is your first post\. Edit or delete it|这是您的第一篇文章。编辑或删除它)|"
    r"This is an example page\. It[’']s different from a blog post because|"
    r"这是一个?(示例|范例)页面。它和博客文章不同|"
    r"如果您看到这篇文章[,，]\s?表示您的\s?blog\s?已经安装成功|"
    r"如果你看到了这一篇文章，那么证明你已经安装成功了",
    re.IGNORECASE,
)
AUTHOR_LINE = re.compile(
    r"(?P<this>本文)?(?:原文|文章)?(作者|撰文)\s*[:：/|]\s*(?P<zh>[^\s，,。|/]{1,20})|"
    r"(written )?by:? (?P<en>[A-Z][\w.'-]+( [A-Z][\w.'-]+){1,2})$"
)
SOURCE_LINE = re.compile(
    r"(来源|出处|原文(链接|地址|出处)?|文章来源|source|original (article|link|url))\s*[:：]",
    re.IGNORECASE,
)
CLIPPED_TAGS = set(
    "clippings,clipping,clipped,web-clip,webclip,web clip,剪藏,网页剪藏,read-later,pocket,"
    "instapaper,readwise".split(",")
)
REPOST_TAGS = {"转载", "轉載", "转", "repost", "reposts", "reblog", "reprint", "转发", "搬运"}
# Keys of front matter.
CLIPPED_KEYS = set(
    "clipped clipped_at date_clipped date-clipped clipped_from date_saved source-application "
    "source_application pocket_id readwise_url omnivore instapaper_url".split()
)
SOURCE_KEYS = set("source source_url source-url sourceurl url original_url original-url".split())
MACHINE_KEYS = set("ai_generated ai-generated aigenerated generated_by generated-by".split())
