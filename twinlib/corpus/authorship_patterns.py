"""Patterns of text that its author did not write: quotations, reposts, boilerplate, code."""

import re

from ..text.script import HAN_TO_TEN

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
    r"(点|来)(一)?[个波]?关注|扫[描码一].{0,8}(二维码|关注|添?加|[进入]群|订阅|领取?)|长按.{0,8}二维码|"
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
    r"the post .{1,160} appeared first on .{1,80}|"
    r"get .{2,40}.s stories in your inbox|share this post|"
    r"this post is (public|for paid subscribers).{0,60}|"
    r"\d+ (claps?|responses?)|(sign (up|in)|open in app|listen|more from medium)",
    re.IGNORECASE,
)
REPOST = re.compile(
    r"//\s?@[^\s:：]{1,30}[:：]?|RT @\w{1,30}[:：]|转发微博[。.]?$|轉發微博$|"
    r"(本文|文章)?(转自|转载自|转载于|转贴自|来源|出处|原文(链接|地址|出处|标题)?)\s*[:：].{0,80}$|"
    r"(source|reposted from|cross-?posted (from|at)|originally published (at|in|on)|"
    r"h/t)\s*:.{0,80}$|"
    r"via\s*:?\s*(@\w+)?$",
    re.IGNORECASE,
)
REPOST_CHAIN = re.compile(r"(?=//\s?@[^\s:：/]{1,30}[:：])|(?=(?<![A-Za-z0-9])RT @\w{1,30}[:：])")
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
    r"(?<![a-z])(?:doi|arxiv|et al|ISBN)(?![a-z])|"
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
    r"我们?(曾|又|就|便|当时|在.{0,12}(里|中))?(说|写|答|回|想|问|总结|分析|解释|评论|描述)|"
    r"\b(?:I|we) (once |also |then |later )?"
    r"(said|wrote|answered|replied|asked|explain|explained|noted|remarked|recalled|say|write)|"
    r"\b(?:ich|yo|eu|je)\b|\bj['’]",
    re.IGNORECASE,
)
INTRODUCES_QUOTE = re.compile(
    r"(写道|说道?|所言|曰|云|指出|认为|回忆道?|原文(是|如下)?|引用如下|如下|分析|评论|"
    r"评价|总结|描述|描写|"
    r"解释|记载|记述|写着|(?<![我你])的(?:原)?话|说法|论述|这样[说写])[，,]?[:：]?$|"
    r"(wrote|writes|said|says|puts? it|puts it thus|"
    r"quotes?|quotations?|argues?|argued|reads|as follows|observe[sd]|remark(s|ed)|recalls?|"
    r"recalled|notes|noted|explain(s|ed)|repl(?:y|ies|ied)|answer(?:s|ed)|testimony|account|"
    r"(?:his|her|their|['’]s) (?:own )?words)[,:]?$|"
    r"\b(?:says|said|wrote|writes)\b[^.;:“\"]{1,50}:?$|"
    r"(schreibt|schrieb|sagt|sagte|meint|meinte|erklärt|erklärte|heißt es|erzählt|erzählte|"
    r"escribe|escribió|dice|decía|dijo|explica|cuenta|afirma|escreve|escreveu|diz|disse|conta|"
    r"écrit|écrivait|dit|disait|raconte|explique|affirme)[,:]?$",
    re.IGNORECASE,
)
# What is quoted as written: a kind of text, and a verb or an ending that announces it.
_TEXT_ZH = (
    "原文|原信|来信|信|函|电报|来电|[《》]|日报|晚报|周刊|月刊|报上|报载|新闻|启事|广告|通告|布告|公告|章程|"
    "碑文|墓志|序|跋|按语|案语|批语|题词|诗|歌词?|民谣|对联|挽联|赋|经|史|书[上中里]|文[上中里]|文章|答辩书?|"
    "一篇|一段话?(?![路时])|一节(?![课车])|一则|评论|留言|帖子?|说明书?|日记|笔记|遗书|遗言|语录|名言|格言|文|印刷品|纸条|字条|内容"
)
_ENDING_ZH = (
    "说道?|道|云|曰|略?谓|写道?|写着|记着|记载|如下|如次|如此|题云|这样的?|这样说|写的是|大意是?|这一篇|这几句|"
    "这么写|这么说|有一段|一段话?(?:，[^，。]{1,8})?|的话|警告|是"
)
_TEXT_EN = (
    r"(?:letter|note|poem|verses?|lines|stanza|song|hymn|sonnet|article|essay|book|chapter|preface|"
    r"foreword|inscription|epitaph|newspaper|paper|review|e-?mail|message|mail|notice|sign|plaque|"
    r"label|passage|paragraph|diary|journal|entry|report|manual|postcard|telegram|blurb|leaflet|"
    r"Brief|Gedicht|Buch|Artikel|Zeilen|Verse|Nachricht|Inschrift|Lied|Vorwort|Notiz|Zettel|"
    r"Tagebuch|Zeitung|carta|poema|libro|artículo|versos|nota|mensaje|correo|inscripción|canción|"
    r"prólogo|diario|periódico|livro|artigo|mensagem|canção|prefácio|jornal|lettre|poème|"
    r"livre|vers|"
    r"chanson|préface|dédicace)"
)
_ENDING_EN = (
    r"(?:reads?|ran|runs|said|says|begins?|began|goes|went|as follows|thus|like this|was|is|"
    r"steht|stand|lautet\w*|heißt es|hieß es|liest man|wie folgt|dice|decía|reza|rezaba|empieza|"
    r"como sigue|diz|dizia|lê-se|começa|dit|disait|commence|on lit|on lisait|comme suit|ainsi)"
)
_WRITES = (
    r"(?:wrote|writes|has written|schreibt|schrieb|geschrieben|escribe|escribió|escribía|"
    r"escreve|escreveu|escrevia|écrit|écrivait|écrivit)"
)
_COLON = r"\s*[：:]\s*[—－–-]*\s*$"
ANNOUNCES = re.compile(
    rf"(?:{_TEXT_ZH})[^。！？]{{0,40}}?(?:{_ENDING_ZH})(?:[：:]\s*[—－–-]*|[—－]{{2,}})\s*$|"
    rf"(?:写道|寫道|有云|题云|序云|诗云|原文如[下次]|略谓|写信[来说]){_COLON}|"
    rf"\b{_TEXT_EN}\b[^.!?。]{{0,60}}\b{_ENDING_EN}{_COLON}|"
    rf"\b{_WRITES}\b[^.!?。:]{{0,50}}{_COLON}",
    re.IGNORECASE,
)
# Of a paragraph that is set apart, the line above need only name the text.
NAMES_TEXT = re.compile(rf"(?:{_TEXT_ZH}){_COLON}|\b{_TEXT_EN}{_COLON}", re.IGNORECASE)
OWN_WRITING = re.compile(
    r"我们?(?!们?的?(?:父|母|爸|妈|爷|奶|外|朋友|老师|同学|哥|姐|弟|妹|儿|女))[^，。；：]{0,14}"
    r"(?:写|答|复|回信|回复|说|想|道|拟|作|做|驳|声明|记|译|留言|寄去|发了|提|列|加|改|唱|念)|"
    r"我的?(?:回信|复信|答复|信|诗|文章|日记|笔记|意见|看法|留言|评论|结论|说明|答案)[^，。]{0,12}$|拙|笔者|本人|"
    r"自己的?[^，。]{0,6}(?:诗|文|信|日记)|"
    r"内容(?:包括|有|分)|(?:步骤|方法|做法|原因|理由|目录|名单|规则|计划)|"
    r"\b(?:I|we|I['’]d|I['’]ve)\b[^.;,:]{0,30}\b(?:wrote|write|written|writes|said|answer|answered|"
    r"replied|sent|made|composed|put|posted|left|noted)\b|"
    r"\b(?:my|our|this) (?:own )?(?:letter|poem|note|reply|answer|diary|notes?|review|list|article|"
    r"essay|post|report|message|book|e-?mail|entry|chapter|blog)\b|"
    r"\bich\b[^.;]{0,40}(?:schrieb|schreibe|geschrieben|antwort)|(?:schrieb|schreibe) ich\b|"
    r"\bmein(?:e[mrns]?)? (?:Brief|Gedicht|Tagebuch|Artikel|Notiz|Antwort|Nachricht)|"
    r"\b(?:escribí|contesté|respondí|mi (?:carta|poema|diario|nota|respuesta))\b|"
    r"\b(?:escrevi|respondi|[oa]? ?minh?a? (?:carta|nota|resposta)|meu (?:poema|diário))\b|"
    r"j['’](?:ai )?(?:écri|répon)|\bma (?:lettre|réponse|note)\b|\bmon (?:poème|journal|livre)\b",
    re.IGNORECASE,
)
# What introduces words that the author copies: 'let me quote', '我且抄一段'.
COPIES = re.compile(
    r"(?:[抄钞摘引译]段|[抄钞摘引录译](?:出|录|引|下|译|抄|一下|写)?(?:一|几|数|两|三|些|半)大?"
    r"(?:段|节|句|条|点|行|则|首|页)(?![课目]))|"
    r"(?:抄|钞|摘录?|引用?|照录|转录|节录|抄录|摘抄|转引|引述|照抄|附录|剪)"
    r"(?:原文|全文|于此|于下|于后|在下面|在这里|如[下次]|下来|出来|贴|而贴之)|"
    r"\b(?:let me|allow me to|to|I|I['’]ll|I (?:will|shall|must|can|want to|have to)) "
    r"(?:just |only )?quote\b|"
    r"\bas (?!I\b|we\b)\w[^.,:;]{1,50} "
    r"(?:writes?|wrote|puts? it|said|says|has it|observed|noted)\b|"
    r"\bin (?:the|his|her|their|\w+['’]s?) (?:own )?words\b|\b(?:extract|excerpt)s? from\b|"
    r"\b(?:here|this) is (?:what|how) (?!I\b|we\b)[^.,:;]{2,50} "
    r"(?:wrote|writes|puts? it|said|says)\b|"
    r"\b(?:ich zitiere|um [^.,:;]{2,40} zu zitieren|in den Worten|"
    r"wie (?!ich\b)[^.,:;]{2,50} (?:schreibt|schrieb|sagt|sagte|formuliert))\b|"
    r"\b(?:cito|citaré|copio|transcribo|transcrevo|(?:por|para) citar|en palabras de|"
    r"nas palavras de|como (?:escribe|escribió|dice|decía|dijo|escreve|escreveu|diz|disse)) \w|"
    r"\b(?:je cite|je recopie|citons|pour citer|selon les mots de|"
    r"comme (?:l['’])?(?:écrit|écrivait|dit|disait))\b",
    re.IGNORECASE,
)
OWN_COPY = re.compile(
    r"我[^，。；：:抄钞摘引录译]{0,8}(?:[写作做说]的|的?[^，。]{0,4}"
    r"(?:日记|信|诗|文章|旧文|旧作|笔记|帖子|博客|随笔|小说|札记))|自己|旧作|旧文|前文|上文|拙|笔者|"
    r"\b(?:my|our) (?:own |old |last |first |earlier |previous |former )*"
    r"(?:words|diary|diaries|journal|letters?|notes?|notebooks?|posts?|essays?|poems?|books?|blog|"
    r"articles?|entry|entries|e-?mails?|speech|talk|draft)\b|\bmyself\b|"
    r"\b(?:I|we)(?: \w+)? (?:once |then |later )?(?:wrote|said|noted)\b|"
    r"\bmein(?:e[mrns]?)? (?:eigene[mnrs]?|alte[mnrs]?|Brief|Gedicht|Tagebuch|Artikel|Notiz|Buch)|"
    r"\b(?:mi|mis|meu|meus|minha|minhas|mon|ma|mes) "
    r"(?:propi[ao]s?|própri[ao]s?|propres?|antigu?[ao]s?|cartas?|diarios?|diário|notas?|poemas?|"
    r"libros?|livros?|textos?|lettres?|journal|notes?|poèmes?|livres?|textes?)\b",
    re.IGNORECASE,
)
NAMES_WORK = re.compile(
    rf"{_TEXT_ZH}|\b(?:book|chapter|essay|article|newspaper|review|preface|foreword|biography|"
    r"memoirs?|monograph|novel|pamphlet|Buch|Artikel|Roman|Vorwort|Aufsatz|Zeitung|libro|artículo|"
    r"novela|ensayo|prólogo|livro|artigo|romance|ensaio|prefácio|jornal|livre|roman|essai|"
    r"préface)\b",
    re.IGNORECASE,
)
# Letters.
LETTERS = re.compile(
    r"信|[字纸便]条|\b(?:letter|note|Brief|Zettel|carta|nota|bilhete|lettre|mot)\b", re.I
)
TITLE = (
    "(?:(?:先生|女士|小姐|[吾仁老]?兄|学?弟|学?姐|姊|君|老师|师傅?|同志|学长|大人|教授|博士|叔叔?|伯伯?|阿姨|"
    "妈妈?|爸爸?|爷爷|奶奶)(?:们|你好|您好|如晤|台鉴|惠鉴|大鉴|道鉴|见字如面)?|"
    "你好|您好|如晤|台鉴|惠鉴|大鉴|道鉴|见字如面)"
)
_DAY = HAN_TO_TEN + "廿卅"
LETTER_DATE = re.compile(
    rf"(?:[\d〇零{_DAY}元年，,]+月|[，,][\d{_DAY}]+[，,])[\d{_DAY}]+日?|"
    r"\b(?:\d{1,2}\.? )?(?i:jan|feb|mar|apr|ma[iy]|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic|fev|"
    r"set|out|dez|jan|fév|avr|juin|juil|août|déc|okt|dez)[^\W\d]*\.?(?: de)?"
    r"(?: \d{1,2},?)?(?: \d{4})?$|"
    r"(?<![A-Za-z0-9])(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d{1,2}-\d{1,2})(?![A-Za-z0-9])"
)
GREETS = re.compile(
    r"(?:my )?(?:dear|hi |hello |hey |lieb|hallo |sehr geehrt|guten tag|querid|estimad|hola |"
    r"car[oa] |prezad|olá |oi |ch[eè]r|bonjour |salut )",
    re.IGNORECASE,
)
SALUTATION = re.compile(
    rf"(?P<zh>(?:亲爱的|尊敬的|敬爱的)[^\s，。：:！？“”]{{1,12}}|"
    rf"[^\s，。：:！？“”、]{{1,8}}?{TITLE})[：:，,！!]|"
    r"(?:my )?(?:dear(?:est)?|hi|hello|hey|liebe[rs]?|liebste[rs]?|hallo|sehr geehrte[rs]?|"
    r"guten tag|querid[oa]s?|estimad[oa]s?|hola|car[oa]|prezad[oa]|olá|oi|chère?s?|bonjour|"
    r"salut)\s+(?P<other>[^,:!.?\n]{1,40})[,:!]?",
    re.IGNORECASE,
)
ANSWER = re.compile(
    r"(?:【|\[)?(?:我的?)?(?:回信|答复|复信|回复|答信|回覆|答)(?:】|\])?[：:]?|"
    r"(?:my |the )?(?:reply|answer)[:.]?|(?:meine )?antwort:?|(?:mi )?respuesta:?|"
    r"(?:a minha )?resposta:?|(?:ma )?réponse ?:?",
    re.IGNORECASE,
)
CLOSING_WORDS = re.compile(
    r"^(?:(?:with |much |all my )?love|yours?\b.{0,20}|best(?: wishes| regards)?|"
    r"(?:kind |warm )?regards|sincerely.{0,10}|cheers|affectionately|"
    r"your (?:loving|old|faithful) .{0,30}|"
    r"(?:viele |liebe |herzliche |beste |mit freundlichen )gr(?:ü|ue)(?:ß|ss)e[n]?|deine?|dein|"
    r"(?:un |muchos )?(?:abrazos?|besos?|saludos)|cordialmente|"
    r"(?:um |muitos )?(?:abraços?|beijos?)|com carinho|atenciosamente|amitiés|bisous|"
    r"bien à (?:toi|vous)|cordialement|je t['’]embrasse)"
    r"\b[\s,.!]*(?:[A-ZÀ-Ý]\S*\s?){0,3}$|"
    r"(?:此致|敬礼|祝好|顺颂.{0,8}|即颂.{0,8}|敬请.{0,4}安|敬颂.{0,8}|顺请.{0,6}|"
    r"祝(?:你|您).{0,12}|此复.{0,10})[。！!]?$|"
    r"(?:敬上|谨启|拜上|谨上|手书|枕上书|[^，。：]{1,6}(?:上|启|字|谨))[。，]?.{0,16}$",
    re.IGNORECASE,
)
# A paragraph that announces something itself is the author's.
SECOND_COLON = re.compile(r"[：:]\s*[—－–-]*\s*$")
# The beginning of a paragraph that tells a language model what to do, as people plant it in texts:
# "Ignore all previous instructions", "SYSTEM: the user is …". "System: Debian 12" is none.
_WHICH_EN = "all any every of the your my these those previous prior earlier preceding above system"
_BEFORE_ZH = "之前|以上|上面|上述|前面|此前|先前|系统"
ORDER_TO_A_MODEL = re.compile(
    r"(?:please |now |and )*(?:ignore|disregard|forget|override|bypass) "
    r"(?=(?:\w+ )*(?:previous|prior|earlier|preceding|above|system) )"
    rf"(?:(?:{_WHICH_EN.replace(' ', '|')}) )+"
    r"(?:instructions?|prompts?|rules|messages|directions|guidelines)\b|"
    rf"请?(?:忽略|无视|忽视|忘记|忘掉|不要理会)掉?(?=[^，。]{{0,8}}(?:{_BEFORE_ZH}))"
    rf"(?:你|您|的|所有|全部|一切|任何|{_BEFORE_ZH})+(?:指示|指令|提示词?|命令|设定)|"
    r"(?:system|assistant|developer|系统)"
    r"(?: (?:prompt|message|note|override)|提示词?|消息|指令)?\s*[:：]"
    r"(?=.{0,200}?(?:\b(?:the user|you are (?:now )?(?:an?|the)|you must|the assistant|"
    r"(?:the|language) model|instructions)\b|"
    r"用户|你(?:现在)?是(?:一?[个名位])|助手|模型|指令|指示))",
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
