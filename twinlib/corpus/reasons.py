"""Why something was left out and what it was, in words: the keys that readers and cleaners use, one place for all."""

REASONS = {  # why a document or a part is in dropped.csv
    "empty": ("empty", "空文件"), "binary": ("not text", "不是文本"), "large": ("over 100 MB", "超过 100 MB"),
    "unreadable": ("cannot be opened", "打不开"), "damaged": ("damaged", "文件已损坏"),
    "bomb": ("unpacks to far too much", "解压后大得离谱"), "unsafe": ("leads out of the archive", "路径指向压缩包外"),
    "entities": ("defines XML entities", "含有 XML 实体定义"), "deep": ("nested too deeply", "嵌套太深"),
    "locked": ("needs a password", "需要密码"), "draft": ("draft", "草稿"), "short": ("too short", "太短"),
    "duplicate": ("duplicate of another text", "与另一篇重复"), "owner": ("you dropped it", "您删掉的"),
    "author": ("under another person's name", "署的是别人的名字"),
    "exercise": ("a problem to practise on, for step 03", "练习题，第 03 步用"),
    "whose": ("a chat in which you aren't chosen yet", "聊天记录，还没选哪位是您"),
    "columns": ("a table whose columns aren't chosen yet", "表格，还没选各列的意思"),
    "index": ("no writing in it", "里面没有文章"), "long": ("too long: split it up", "太长：请拆成几份"),
    "olddoc": ("an old Word or RTF file: save it as .docx", "旧版 Word 或 RTF：请另存为 .docx"),
    "scanned": ("no text in its pages: run text recognition (OCR) first", "页面里没有文字：请先做文字识别（OCR）"),
    "chatpage": ("a chat saved as a web page: export it as JSON", "网页版的聊天记录：请导出成 JSON"),
    "protected": ("protected by a password", "设了密码的文章"),
    "template": ("a template or a board of tasks", "模板或任务看板"),
    "quote": ("somebody else's words", "引用别人的话"), "repost": ("repost", "转发"), "code": ("code", "代码"),
    "table": ("table", "表格"), "footnote": ("footnote", "脚注"),
    "caption": ("caption of a picture", "图片说明"), "navigation": ("menus, page headers and the like", "菜单、页眉之类"),
    "clipped": ("an article by somebody else that you saved", "您收藏的别人的文章"), "lyrics": ("a song's words", "歌词"),
    "machine": ("written by a machine", "机器写的"), "platform": ("words of the site around it", "网站自带的文字"),
    "references": ("list of sources", "参考资料"), "links": ("list of links", "链接列表"),
    "contents": ("table of contents", "目录"), "timestamps": ("times of a recording", "节目时间轴"),
    "comment": ("hidden comment", "隐藏的注释"), "properties": ("tags and fields", "标签和字段"),
    "footer": ("call to subscribe", "求关注的话"), "byline": ("byline", "署名")}
KINDS = {  # what was left out
    "document": ("document", "文章"), "message": ("message", "消息"), "quote": ("quotation", "引文"),
    "code": ("code", "代码"), "table": ("table", "表格"), "footnote": ("footnote", "脚注"),
    "caption": ("caption", "图片说明"), "navigation": ("page furniture", "页面上的菜单页眉"),
    "passage": ("passage", "段落"), "list": ("list", "列表"), "comment": ("comment", "注释"),
    "properties": ("properties", "属性"),
    "footer": ("footer", "页脚"), "byline": ("byline", "署名")}
PASSED = {  # files that were not opened
    "hidden": ("hidden", "隐藏文件"), "link": ("links", "链接"), "cache": ("caches", "缓存"),
    "twin": ("twins", "分身文件夹"), "about": ("README and the like", "README 之类"),
    "image": ("pictures and sound", "图片声音"), "archive": ("nested archives", "套中套的压缩包"),
    "script": ("programs and settings", "程序和配置"), "data": ("data without writing", "没有文字的数据"),
    "other": ("other files", "其他文件")}
