"""Words in a message that aren't its sender's: quotations, copied messages, the app's sentences.

Programs write these as text in English, Chinese (both scripts), German, Spanish, Portuguese and
French: what happened to the group, polls, and the message that a reply answers. Messages that were
copied from a chat and pasted into another keep their time and name.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ...authorship_patterns import REPOST_CHAIN
from .doubtful import FIRST_PERSON
from .form_parts import ANY_CLOCK, ANY_DAY, STAMP
from .repeats import ATTRIBUTES

_DASHES = r"[ \t\r]*\n[ \t\r\n]*(?:[-—–─] ?){5,}[ \t\r]*\n"
_INSIDE = r"(?:[^\[\]]|\[[^\[\]\n]{0,20}\])*"  # with emoticons: [捂脸]
_REPLY = (
    r"(?:引用|回复|回覆|reply(?: to)?|quote[sd]?|quoting|in reply to|replying to|antwort(?: auf)?|"
    r"zitat(?: von)?|respuesta a|en respuesta a|citando a|resposta a|em resposta a|"
    r"réponse à|en réponse à|citation de)"
)
_QUOTED = re.compile(
    rf"[\[【]{_REPLY}[ :：]?\s*(?:(?P<who1>[^:：\n\]】]{{1,40}})[:：])?"
    rf"(?P<asked1>{_INSIDE}?)[\]】]\s*(?P<own1>.*)"
    rf"|(?P<own4>[^\n\[\]【】]+)[\[【]{_REPLY}[ :：]?\s*(?P<who4>[^:：\n\]】]{{1,40}})[:：]"
    rf"(?P<asked4>{_INSIDE})[\]】]\s*$"
    rf"|(?P<who5>[^:：\n]{{1,40}})[:：]\n(?P<asked5>[^\n]+(?:\n[^\n]+){{0,3}}?)"
    r"[ \t]*\n(?:[-—–─] ?){10,}[ \t]*\n(?P<own5>.*)"
    rf"|[「“\"](?:(?P<who2>[^:：\n」”\"]{{1,40}})[:：])?(?P<asked2>[^」]*?)[」”\"]{_DASHES}"
    r"(?P<own2>.*)"
    rf"|(?P<own3>[^\n]+(?:\n(?![\[【「]?{_REPLY}[ :：])[^\n]*)*)"
    rf"\n(?:[\[【「]{_REPLY}[ :：]|{_REPLY}[:：])\s*(?:(?P<who3>[^:：\n]{{1,40}})[:：])?"
    r"(?P<asked3>.+)",
    re.DOTALL | re.IGNORECASE,
)
# The first line of a copied message, with its text, or with the text on the next lines.
_PASTED = re.compile(
    r"\[(?=(?:[^\]\n\d]*\d+){4})[^\]\n]{8,40}\] ?[^:：\n]{1,60}[:：](?:\s.*)?|"
    rf"{STAMP}(?: [-–]|[,;])? [^:：\n]{{1,60}}[:：] .*"
)
_PASTED_HEAD = re.compile(
    rf"[^\n:：，。\d]{{1,30}}\s(?:{ANY_DAY})[, ]{{0,2}}(?:{ANY_CLOCK})|"
    rf"[^\n:：，。]{{1,40}},? \[(?:{STAMP}|(?=(?:[^\]\n\d]*\d+){{4}})[^\]\n]{{8,40}})\]:?|"
    rf"[^\s，。][^\n，。]{{0,38}}\s{STAMP}|{STAMP}\s[^\n，。:：]{{1,40}}"
)
# Lines of a quotation: with a mark, or in a box of its program
_MARKED = re.compile(
    r"(?:>|&gt;|＞)\s.*|[│┃┆┊▌▍▎▏╎❘❙](?:\s.*)?|[┌╭╔┏][─━═]*(?:\s[^\n]{1,60})?|[└╰╚┗][─━═]*"
)
# What may stand before the colon of a line above a quotation
_SAID_BY = re.compile(
    r"(?:(?<![^\W_])(?:wrote|writes|said|says|posted|shared|announced|replied"
    r"|schrieb|schreibt|sagte|sagt|meinte|meint|teilte|postete"
    r"|escribió|escribe|dijo|dice|publicó|anunció|escreveu|escreve|disse|diz|publicou|postou"
    r"|écrit|dit|publié|annonce|annoncé)|写道|寫道|说|說|发布|發布|公告|通知|表示)\s?[:：]$"
    r"|(?:original message|ursprüngliche nachricht|(?:mensaje|mensagem) original"
    r"|message d['’]origine|原消息|原文).{0,40}[:：]$",
    re.IGNORECASE,
)
_BB_QUOTE = re.compile(  # of forums
    r"\[quote(?:[ =][^\]\n]*)?\](?P<quoted>(?:(?!\[/?quote).)*)\[/quote\]\s*",
    re.IGNORECASE | re.DOTALL,
)
# Polls and events: a first line, and lines for the choices.
_POLL = re.compile(
    r"(?:poll|投票|接龙|umfrage|abstimmung|encuesta|enquete|sondagem|sondage|sondaggio)\s?[:：]",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"\s*(?:(?:option|选项|選項|auswahl|opción|opcion|opção|opcao|choix|opzione)\s?\d*\s?[:：].*|"
    r".*[(（]\s?\d+ ?(?:votes?|票|stimmen?|votos?|voix|voti?)\s?[)）])\s*",
    re.IGNORECASE,
)
_GROUP_EN = r"(?:this |the )?group(?:['’]s)?"
# What a member did, as the app says it after the member's name.
_DONE = re.compile(
    "|".join(
        (
            rf"created {_GROUP_EN}.*|changed {_GROUP_EN} (?:icon|name|description|settings|subject|"
            r"photo).*|changed the (?:subject|group name|title)\b.*|deleted this group['’]s icon|"
            r"(?:added|removed) [^\n]{1,80}|left(?: the (?:group|chat))?|was (?:added|removed)|"
            r"joined (?:using|from|via|the group|the chat|this group).*|requested to join.*|"
            r"(?:is|are|['’]re) (?:now|no longer) an admin.*|pinned a message|"
            r"(?:changed|updated) (?:their|your|his|her) (?:phone )?number.*|"
            r"changed to \+?[\d ()\-]{6,}.*|(?:turned (?:on|off)|updated|set) (?:disappearing "
            r"messages|the message timer).*|started a (?:video |voice )?call|"
            r"(?:blocked|unblocked) this contact.*",
            r"\s?(?:已?(?:创建|建立|創建)了?[^\n]{0,4}(?:群|組).*|(?:已?更改|修改|變更|更換"
            r"|更换)了?"
            r"[^\n]{0,6}(?:群|主题|主題|图标|頭像|说明).*|将[^\n]{0,4}群[^\n]*(?:更改|改|變更)为.*|"
            r"將[^\n]{0,4}群[^\n]*改?為.*|(?:已?添加|新增|加入|移除|移出)了\s?[^\n]{1,40}|"
            r"已?(?:退出|离开|離開)了?(?:群组|群聊|群組|本群|该群)?|"
            r"(?:通过|使用|透過)[^\n]{0,20}(?:链接|連結|二维码)加入.*|"
            r"已?(?:更改|更換|变更)了?(?:电话|手机|電話)?号?碼?码?.*|(?:开启|關閉|关闭"
            r"|開啟)了(?:限时|"
            r"阅后即焚|自动销毁|限時)消?訊?息?.*|(?:现在|已)(?:是|成为|成為)(?:群)?管理[员員].*)",
            r"hat (?:die|diese) Gruppe\b.*(?:erstellt|verlassen)|hat (?:das|den|die) (?:Gruppen\w*|"
            r"Betreff|Beschreibung)\b.*(?:geändert|gelöscht|entfernt)|"
            r"hat [^\n]{1,60} (?:hinzugefügt|entfernt)|ist (?:\S+ ){0,6}beigetreten|"
            r"wurde (?:hinzugefügt|entfernt)|hat (?:die|seine|ihre) (?:Telefon)?nummer.*|"
            r"hat selbstlöschende Nachrichten.*|(?:bist|ist) (?:jetzt|nun|kein) (?:ein )?Admin.*|"
            r"hat eine Nachricht angeheftet",
            r"(?:creó|ha creado) (?:el|este) grupo.*|(?:cambió|ha cambiado) (?:el|la|los|este) "
            r"(?:[íi]cono|imagen|foto|asunto|nombre|descripción|ajustes).*|"
            r"(?:añadió|agregó|eliminó|sacó) a [^\n]{1,60}|te (?:añadió|agregó)|"
            r"salió(?: del grupo)?|se unió (?:usando|mediante|con|desde).*|"
            r"cambió (?:su|de) número.*|fijó un mensaje|(?:ahora )?(?:es|eres) admin\w*.*",
            r"criou (?:o|este) grupo.*|(?:mudou|alterou) (?:o|a|os|as) (?:[íi]cone|imagem|foto|"
            r"assunto|nome|descrição|configurações).*|(?:adicionou|removeu) [^\n]{1,60}|"
            r"saiu(?: do grupo)?|entrou (?:usando|com|através|pelo).*|"
            r"(?:mudou|alterou) (?:de|o seu|seu) número.*|fixou uma mensagem|"
            r"(?:agora )?é (?:um )?(?:admin\w*).*|foi adicionad[oa].*",
            r"a créé (?:le|ce) groupe.*|a (?:changé|modifié) (?:l['’](?:icône|image)|"
            r"(?:la|le|les) (?:photo|description|nom|sujet|titre|paramètres)).*|"
            r"a (?:ajouté|retiré|supprimé) [^\n]{1,60}|(?:t['’]|vous )a ajoutée?|"
            r"a quitté(?: le groupe)?|est partie?|a rejoint .*(?:lien|groupe).*|"
            r"a changé (?:de|son) numéro.*|a épinglé un message|"
            r"(?:êtes|es|est) (?:maintenant|désormais) (?:un )?admin\w*.*",
        )
    )
    + r"|\.?",
    re.IGNORECASE,
)
# The same about the owner of the phone, where no human would say it so.
_YOU = re.compile(
    r"(?:you['’]re|you are) (?:now|no longer) an admin\.?|you were (?:added|removed)\.?|"
    rf"you (?:created|changed|left) {_GROUP_EN}(?: .*)?|you joined using .*|"
    r"you (?:turned (?:on|off)|updated) (?:disappearing messages|the message timer).*|"
    r"your security code with .* changed.*|you (?:un)?blocked this contact.*|"
    r"(?:你|您)(?:现在|現在|已)(?:是|成为|成為)(?:群组|群組|本群)?管理[员員]。?|"
    r"(?:你|您)(?:创建|建立)了(?:此|本|该)?群[组組聊].*|"
    r"du bist (?:jetzt|nun) (?:ein )?admin\.?|du wurdest (?:hinzugefügt|entfernt)\.?|"
    r"du hast (?:die|diese) gruppe .*(?:erstellt|verlassen)\.?|"
    r"ahora (?:eres|es) admin\w*\.?|(?:te|lo|la) añadieron al grupo\.?|creaste (?:el|este) grupo.*|"
    r"(?:agora )?você (?:agora )?é (?:um )?admin\w*\.?|você (?:foi adicionad[oa]|criou o grupo).*|"
    r"(?:vous êtes|tu es) (?:maintenant|désormais) (?:un )?admin\w*\.?|"
    r"vous avez (?:créé|quitté) le groupe.*",
    re.IGNORECASE,
)
# Without these signs no line of a message is copied or marked; what `_YOU` may begin with.
_PASTED_CUE = re.compile(r"\d.*\d|[>＞│┃┆┊▌▍▎▏╎❘❙]|&gt;", re.DOTALL)
_YOU_BEGINS = tuple("yo 你 您 du ah te lo la cr ag vo tu".split())
# The same in any program: who came and went, what was sent, taken back, named, pinned or called.
_EN_THING = (
    r"(?:an? |the |their |your |\d+ )?(?:attachment|photo|picture|image|video|gif|sticker|link"
    r"|file|"
    r"document|location|contact|voice (?:message|note)|audio|album|poll|quiz)s?"
)
_ANYWHERE = re.compile(
    "|".join(
        (
            r"(?:was|were|has been) (?:added|removed|invited|kicked|banned|promoted)(?: by .*)?|"
            r"is now known as .*|(?:turned|switched) (?:on|off) .*|renamed .*|cleared the chat.*|"
            r"(?:replied|reacted) to your (?:story|message|photo|post)|"
            r"(?:is|are) typing.*|added [^\n]{1,60}|removed [^\n]{1,60}|"
            r"(?:has )?(?:joined|left|entered)(?: (?:the|this|#?\S+) ?(?:chat|conversation|group"
            r"|room|"
            r"channel|call|meeting|server)?)?(?: \(.*\))?|"
            rf"(?:sent|shared|forwarded|posted|created|started|closed|ended) {_EN_THING}|"
            r"(?:unsent|deleted|removed|recalled|retracted|edited|pinned|unpinned|liked|loved"
            r"|forwarded|"
            r"disliked|laughed at|questioned|emphasized) (?:an?|the|this|your|their) message.*|"
            r"reacted (?:with )?.{1,12}?(?: to .*)?|(?:changed|set|cleared|updated|removed) (?:the|"
            r"your|their|his|her|this) (?:chat |group |conversation |quick |own |room )?(?:theme"
            r"|colou?rs?|"
            r"nickname|emoji|reaction|name|photo|icon|topic|description|picture|wallpaper)s?\b.*|"
            r"(?:named|renamed) the (?:group|chat|conversation|room) .*|"
            r"(?:invited|kicked|banned|mentioned) [^\n]{1,60}|"
            r"(?:is (?:waiting|calling)|missed (?:a|your) (?:voice |video )?call).*|"
            r"(?:started|ended|joined|declined) (?:a |the )?(?:voice |video |group )?(?:call"
            r"|meeting).*|"
            r"pinned .{1,40} to this (?:chat|conversation)|took a screenshot.*|voted .*",
            r"被[^\n]{0,20}(?:移出|移除|踢出|请出|邀请|添加|拉入|设为)[^\n]{0,20}"
            r"|(?:已)?成为(?:了)?(?:群主|管理员)|"
            r"正在输入.*|(?:已|刚刚|刚)?(?:邀请|邀請)[^\n]{1,40}(?:加入|进群|入群).*"
            r"|(?:已)?(?:离开|離開|退出|进入)了?(?:聊天室|群聊|群组|频道|会议|房间|本群)|(?:已"
            r"|刚)?加入了?(?:群聊|群组|群組|"
            r"本群|会议|聊天室|频道|对话|通话)|(?:发起|創建|创建|发布|结束)了?(?:一个|一次"
            r"|一條)?(?:投票|接龙|语音通话|"
            r"视频通话|通话|群通话|会议|直播|问卷|群公告).*|(?:已)?(?:撤回|收回|删除|刪除|编辑"
            r"|置顶|转发)了?(?:一条|一則|这条|"
            r"此|该)?(?:消息|訊息)|(?:将|將|把)?(?:群公告|群名片?|群昵称|群头像|群聊?名称|主题"
            r"|备注|聊天背景)"
            r"(?:更新|修改|改|设|設置|设置)?(?:为|成|了).*|(?:更新|修改|更改|更换|设置"
            r"|清除)了?(?:群公告|群名|群头像|主题|"
            r"聊天背景|昵称|群昵称|群简介).*|(?:给|为)[^\n]{1,20}(?:点赞|设置了昵称).*|(?:发送"
            r"|发来|分享)了"
            r"(?:一张|一个|一条|一段|一份)?(?:图片|照片|视频|文件|位置|名片|语音|链接|表情|红包"
            r"|附件).*",
            r"wurde (?:von .* )?(?:hinzugefügt|entfernt|eingeladen|hinausgeworfen)"
            r"|schreibt(?: gerade)?.*|"
            r"(?:ist|hat) (?:der|dem|die|den|das) (?:Unterhaltung|Chat|Gruppe|Raum|Kanal|Konferenz|"
            r"Anruf|Besprechung|Gespräch) (?:beigetreten|verlassen|betreten)|"
            r"hat (?:einen|eine|ein|das|die|den|\d+) (?:Anhang|Fotos?|Bild(?:er)?|Videos?|GIFs?"
            r"|Sticker|"
            r"Datei(?:en)?|Link|Standort|Kontakt|Sprachnachricht|Umfrage|Dokument"
            r"|Album)s? (?:gesendet|"
            r"geschickt|geteilt|erstellt|gestartet|weitergeleitet)|hat (?:eine|die|diese"
            r"|deine) Nachricht"
            r" (?:zurückgerufen|gelöscht|bearbeitet|angepinnt|angeheftet|entfernt|weitergeleitet"
            r"|zurückgezogen)|"
            r"hat (?:mit )?.{1,12}? ?(?:auf .* )?reagiert|hat (?:den|das|die) (?:Gruppen?(?:foto"
            r"|bild)|Profilbild|Foto|Bild|Spitznamen|Design|"
            r"Thema|Farbe|Emoji|Namen|Gruppennamen|Hintergrund|Chat-?design"
            r"|Chatthema)\b.*(?:geändert|"
            r"festgelegt|gelöscht|aktualisiert|entfernt)|hat (?:die|der|den) (?:Gruppe|Chat|"
            r"Unterhaltung) .*(?:genannt|benannt|umbenannt)|hat [^\n]{1,40} (?:eingeladen"
            r"|entfernt|hinzugefügt)|"
            r"hat (?:einen|den) (?:\w+)?anruf (?:gestartet|beendet|verpasst)",
            r"(?:fue|ha sido) (?:añadid|agregad|eliminad|expulsad|invitad)[oa](?: por .*)?|"
            r"está escribiendo.*|(?:se (?:ha )?unió|abandonó|dejó|salió|ha salido|entró"
            r"|ha entrado)(?: (?:a|de|en|del|al|la|"
            r"el)){0,2} ?(?:conversación|chat|grupo|sala|canal|llamada|reunión)?|"
            r"(?:ha )?(?:envió|enviado|compartió|compartido|creó|creado|inició|finalizó) (?:una?"
            r"|\d+|el|"
            r"la) (?:archivo(?: adjunto)?|fotos?|imagen|vídeo|video|gif|sticker|enlace|ubicación|"
            r"contacto|mensaje de voz|audio|encuesta|documento|llamada|videollamada|álbum)s?|"
            r"(?:anuló el envío de|eliminó|borró|editó|fijó|ancló|reenvió|retiró) (?:un|este"
            r"|el) mensaje.*|"
            r"reaccionó (?:con )?.{1,12}?(?: a .*)?|(?:cambió|estableció|puso|borró"
            r"|actualizó) (?:el|la|los|"
            r"tu|su) (?:tema|apodo|color|emoji|nombre|fondo|foto|reacción)\b.*|(?:nombró|llamó"
            r"|renombró) "
            r"(?:al?|el) (?:grupo|chat) .*|invitó a .*",
            r"foi (?:adicionad|removid|convidad|expuls)[oa](?: por .*)?|está a escrever.*|"
            r"está digitando.*|(?:entrou|saiu|aderiu|juntou-se|abandonou|deixou)(?: (?:n|d|a|à"
            r"|ao|no|na|da|do|em)?[oa]?)? ?(?:conversa|chat|"
            r"grupo|sala|canal|chamada|reunião|bate-papo)?|(?:enviou|partilhou|compartilhou"
            r"|criou|iniciou|"
            r"terminou) (?:uma?|\d+|o|a) (?:anexo|fotos?|imagem|vídeo|gif|figurinha|autocolante"
            r"|link|"
            r"ligação|localização|contato|contacto|mensagem de voz|áudio|enquete|sondagem"
            r"|documento|"
            r"chamada|videochamada|arquivo|ficheiro|álbum)s?|(?:anulou o envio de"
            r"|cancelou o envio de|apagou|eliminou|"
            r"editou|fixou|reencaminhou|encaminhou|removeu) (?:uma|esta|a) mensagem.*|"
            r"reagiu (?:com )?.{1,12}?(?: [aà] .*)?|(?:mudou|alterou|definiu|limpou"
            r"|atualizou) (?:o|a|os|a sua|"
            r"o seu) (?:tema|apelido|alcunha|cor|emoji|nome|fundo|foto|reação)\b.*|(?:deu"
            r"|mudou) (?:ao|o) (?:grupo|"
            r"chat|nome).*|convidou .*",
            r"a été (?:ajouté|retiré|supprimé|exclu|invité)e?(?: par .*)?"
            r"|est en train d['’]écrire.*|"
            r"(?:a (?:rejoint|quitté)|est entrée? dans|est sortie? de) (?:la |le "
            r"|l['’])?(?:conversation|"
            r"discussion|chat|groupe|salon|canal|appel|réunion)|a (?:envoyé|partagé|créé|lancé"
            r"|démarré|"
            r"terminé) (?:une?|\d+|le|la|sa|son) (?:pièces? jointes?|photos?|images?|vidéos?|gif"
            r"|autocollant|sticker|"
            r"lien|fichier|localisation|position|contact|message vocal|audio|sondage|document"
            r"|appel|album)s?"
            r"(?: (?:vocal|vidéo))?|a (?:annulé l['’]envoi d['’]un|supprimé un|supprimé ce"
            r"|retiré un|modifié un|épinglé un|"
            r"transféré un|effacé un) message.*|a réagi (?:avec |par )?.{1,12}?(?: à .*)?"
            r"|a (?:changé|modifié|défini|"
            r"supprimé|effacé) (?:le|la|les|son|sa|votre|l['’]) ?(?:thème|surnom|couleur|emoji"
            r"|nom|fond|photo|"
            r"réaction|pseudo)\b.*|a (?:nommé|renommé) (?:le|la) (?:groupe|discussion"
            r"|conversation) .*|a invité .*",
        )
    )
    + r"|\.?",
    re.IGNORECASE,
)
# The first line of a message that was forwarded, with who wrote it.
_FORWARDED = re.compile(
    r"[\[(（【<«>»]{0,3}\s*(?:↪|➡️?|⤵|↱)?\s*(?:(?:forwarded|fwd)(?: message)?(?: (?:from|by"
    r"|via)\b.*)?|"
    r"(?:转发|轉發|转寄|轉寄|轉傳)(?:消息|訊息|的消息|的訊息|自|来自|來自)*[（(：:\s]?.*(?:自"
    r"|来自|來自)?.*|"
    r"(?:weitergeleitete?(?: nachricht)?)(?: (?:von|aus)\b.*)?"
    r"|(?:mensaje )?reenviad[oa](?: (?:de|desde|por)"
    r"\b.*)?|(?:mensagem )?(?:re)?encaminhad[oa](?: (?:de|por)\b.*)?"
    r"|(?:message )?transféré(?: (?:de|par|depuis)"
    r"\b.*)?|(?:messaggio )?inoltrato(?: da\b.*)?"
    r"|(?-i:Fwd|FWD|FW|WG|RV|TR|ENC|Enc|转|轉) ?[:：] ?[^\n]{1,60}"
    r"|(?:re-?post(?:ed)?|republished|shared|originally (?:posted|published|shared|written)) "
    r"(?:from|by)\b.{1,60}|(?:转载自|轉載自|转自|轉自)[:：\s]?.{1,40}"
    r"|(?:原帖|原文|来自|來自)\s?[:：@].{1,40}"
    r"|(?:source|origin|quelle|herkunft|fuente|origen|fonte|origem|provenance|[来來]源|出[处處])"
    r"\s?[:：]\s?\S.{1,40}"
    r"|(?:repost|ursprünglich (?:gepostet|veröffentlicht|geteilt|verfasst)) von\b.{1,60}"
    r"|(?:repost|(?:re)?publicad[oa](?: originalmente)?|compartid[oa] originalmente) (?:de|por)"
    r"\b.{1,60}|(?:repost|publié(?: à l['’]origine)?|republié|partagé) (?:de|par|depuis)\b.{1,60}"
    r"|(?:[^\n]{1,40} )?(?:shared (?:an?|\S+['’]s) |hat (?:einen?|ein) |compartió (?:una?|la|el) "
    r"|com?partilhou (?:uma?|a|o) |partilhou (?:uma?|a|o) |a partagé (?:une?|la|le) )"
    r"(?:post|video|photo|link|story|reel|Beitrag geteilt|Video geteilt|Foto geteilt|Link geteilt"
    r"|publicación|vídeo|foto|enlace|publicação|ligação|publication|vidéo|lien)[^\n]{0,40}"
    r"|[^\n]{1,40}的(?:聊天|对话|對話)(?:记录|記錄|紀錄)"
    r"|(?:via|vía) @\S{2,40})\s*[:：]?\s*[\])）】>»]?\s*[:：]?",
    re.IGNORECASE,
)
# … and the same with the text behind a colon
_FORWARDED_INLINE = re.compile(
    r"(?-i:Fwd|FWD|FW|WG|RV|TR|ENC|Enc) ?: ?\S|\W{0,3}(?:"
    r"(?:forwarded|fwd)(?: message)?(?: from [^:\n]{1,40})?"
    r"|转发(?:消息)?(?:自[^：:\n]{1,20})?"
    r"|weitergeleitete?(?: nachricht)?(?: (?:von|aus) [^:\n]{1,40})?"
    r"|(?:mensaje )?reenviad[oa](?: de [^:\n]{1,40})?"
    r"|(?:mensagem )?(?:re)?encaminhad[oa](?: de [^:\n]{1,40})?"
    r"|(?:message )?transféré(?: (?:de|par) [^:\n]{1,40})?)\W{0,2}[:：]\s*\S",
    re.IGNORECASE,
)
_FORWARDS = (
    r"forward|fwd|^(?:fw|wg|rv|tr|enc|转|轉) ?[:：]|转发|轉發|转寄|轉寄|轉傳|weitergeleitet|reenvia"
    r"|encaminhad|transf|inoltrat"
)
_FORWARDED_WORD = re.compile(_FORWARDS, re.IGNORECASE)
_FORWARDED_CUE = re.compile(  # what a text must have, or it is not looked at line by line
    _FORWARDS + r"|re-?post|originally|originalmente|ursprünglich|à l['’]origine|republi"
    r"|compart|partilhou|geteilt|shared an? |partagé (?:une?|la|le) |(?m:^)(?:shared|partagé) "
    r"|v[ií]a @|转载|轉載|转自|轉自|原帖|原文|[来來]自|[记記紀][录錄]"
    r"|(?m:^)(?:source|orig|quelle|herkunft|fuente|fonte|provenance|[来來]源|出[处處])",
    re.IGNORECASE,
)
# '回复@小明:', which Weibo writes before an answer
_ANSWER_TO = re.compile(r"(?:回复|回覆) ?@(?P<who>[^\s:：@]{1,30})(?:[:：]\s*|\s+)(?=\S)")
# 'In reply to Ole: “…”' on a line of its own, the answer below
_ANSWERED = re.compile(
    r"(?:↩️?|⤷|└)?\s*(?:in (?:reply|response) to|repl(?:y|ied|ying) to|回复|回覆|引用"
    r"|antwort(?:et)?(?: auf| an)?|als antwort auf|respuesta a|respondi(?:endo|ó) a"
    r"|you replied to|you answered|du hast(?= .{1,40} geantwortet)|respondiste a"
    r"|(?:você )?respondeu a|respondeste a|(?:tu as|vous avez) répondu à"
    r"|en respuesta a|resposta a|a responder a|respondendo a|em resposta a|réponse à"
    r"|en réponse à|répond à)\s+(?P<who>[^\n:：“”„«»\"「」『』]{1,40}?)(?: geantwortet)?"
    r"(?:\s?(?:[:：]\s*[“”„«\"「『]?|[“”„«\"「『])\s?(?P<asked>[^\n]*?)\s?[”“»\"」』]?)?",
    re.IGNORECASE,
)
# A poll without a word for its choices: lines that end in a number.
_POLL_WORD = re.compile(
    r"[\W_]*(?:(?:new|neue|nueva|nova|nouveau) )?(?:(?:群|发起|發起)?(?:投票|接龙)|poll|umfrage"
    r"|abstimmung|encuesta|votación|enquete|sondagem|votação|sondage|vote|sondaggio)(?![^\W_]).*"
    r"|(?:群|发起|發起)?(?:投票|接龙).*|📊.*",
    re.IGNORECASE,
)
_COUNTED = re.compile(r".*\W[(（]?\d{1,4}(?: ?[^\W\d]{1,8})?[)）]?\W*(?:\d{1,3} ?%)?[)）]?")
# A line of a poll with its votes
_VOTES = re.compile(
    r".*\W\d+ ?(?:votes?|票|人|stimmen?|votos?|voix|voti?)\b\W*(?:\d+ ?%\W*)?|.*\d+ ?票",
    re.IGNORECASE,
)
_LISTED = re.compile(r"\s*\d{1,3}[.、）)]\s?\S")
_VOTES_ALONE = re.compile(  # those of a choice that stands above them
    r"\W*\d{1,6} ?(?:votes?|票|人|stimmen?|votos?|voix|voti?)\W*(?:\d{1,3}(?:[.,]\d+)? ?[%％]\W*)?"
    r"|\W*\d{1,3}(?:[.,]\d+)? ?[%％]\W*",
    re.IGNORECASE,
)
_OF_A_GROUP = re.compile(
    r"group|chat|conversation|gruppe|unterhaltung|grupo|conversación|conversa|groupe|discussion|群|"
    r"is typing|schreibt gerade|está escribiendo|está a escrever|está digitando|d['’]écrire|"
    r"正在输入",
    re.IGNORECASE,
)
_LONGEST = 200  # characters of what an app says about a group


class Words(NamedTuple):
    """A message: its sender's `own` words, the message that it `answers`, what was `pasted`.

    `whom` wrote what it answers, '' if that is unknown.
    """

    own: str
    whom: str = ""
    answers: str = ""
    pasted: str = ""


def without_tags(text: str) -> tuple[str, str]:
    """(a post without the quotations that a forum marks with [quote], the last of them)."""
    if "[/quote]" not in text.casefold():
        return text, ""
    quoted = ""
    while match := _BB_QUOTE.search(text):  # the innermost one
        quoted = match["quoted"].strip()
        text = text[: match.start()] + text[match.end() :]
    return text.strip(), quoted


def words(text: str) -> Words:
    """The words of a message, by whose they are."""
    own, whom, answers = unquoted(text)
    if "<<< " in own:  # which Skype writes between a quotation and the answer
        own = re.sub(r"^\s*<<< ", "", own, flags=re.MULTILINE)
    if "@" in own:
        if answer := _ANSWER_TO.match(own):
            own, whom = own[answer.end() :], whom or answer["who"]
        if chain := REPOST_CHAIN.search(own):  # the comment stands before what is passed on
            return Words(own[: chain.start()].rstrip(), whom, answers, own[chain.start() :])
    cue = _FORWARDED_CUE if "\n" in own else _FORWARDED_WORD
    if cue.search(own):  # or the mark of a forwarded mail
        lines = own.split("\n")
        if _FORWARDED_INLINE.match(own):
            return Words("", whom, answers, own)
        first = next(
            (n for n, x in enumerate(lines) if _FORWARDED.fullmatch(x.strip()) or _passes_on(x)),
            len(lines),
        )
        if first < len(lines) - 1 or first < len(lines) > 1:
            before = "\n".join(lines[:first]).strip()
            return Words(before, whom, answers, "\n".join(lines[first:]))
    if not _PASTED_CUE.search(own):
        return Words(own, whom, answers)
    lines, pasted, body = [], [], False
    for line in own.split("\n"):
        bare = line.strip()
        head = _PASTED_HEAD.fullmatch(bare)
        marked = bool(_MARKED.fullmatch(bare))
        if head or marked or _PASTED.fullmatch(bare) or body and bare:
            if marked and (above := _line_above(lines)) is not None:
                pasted += lines[above:]  # 'Ole wrote:'
                del lines[above:]
            pasted.append(bare)
            body = bool(head) or body
        else:
            lines.append(line)
            body = False
    if not pasted:
        return Words(own, whom, answers)
    return Words("\n".join(lines).strip(), whom, answers, "\n".join(pasted))


def _line_above(lines):
    """The number of the line that says above a quotation, or a blank line, whose it is, or None."""
    number = len(lines) - 1
    while number > 0 and not lines[number].strip():
        number -= 1
    said = lines[number].strip() if lines else ""
    near = number == len(lines) - 1
    return number if near and _SAID_BY.search(said) or ATTRIBUTES.fullmatch(said) else None


def _passes_on(line):
    """Whether a few words, none of them of the sender, say that something was forwarded."""
    line = line.strip()
    is_short = len(line) <= 40 and len(line.split()) <= 5 and line[-1:] not in ".!?。！？,，"
    return is_short and bool(_FORWARDED_WORD.search(line)) and not FIRST_PERSON.search(line)


def unquoted(text: str) -> tuple[str, str, str]:
    """(own text, whom it quotes, what it quotes) of a reply; the last two are '' without one."""
    match = _QUOTED.match(text) if re.search(r"[\n\]】]", text) else None
    if not match:
        first, _, below = text.partition("\n")
        reply = _ANSWERED.fullmatch(first.strip()) if below.strip() else None
        if reply:
            asked, (line, _, rest) = (reply["asked"] or "").strip(), below.strip().partition("\n")
            if not asked and rest.strip() and line.rstrip('”“»"」』').endswith(("…", "...")):
                return rest.strip(), reply["who"].strip(), line  # the quotation, cut
            return below.strip(), reply["who"].strip(), asked
        return text, "", ""
    own, who, quoted = (
        next((match[f"{part}{n}"] for n in "12345" if match[f"{part}{n}"]), "").strip()
        for part in ("own", "who", "asked")
    )
    quoted = re.sub(r"[\]】」]$", "", quoted) if match["asked3"] else quoted
    return (own, who, quoted) if own else (text, "", "")


def is_by_app(text: str, sender: str, title: str = "", members: Iterable[str] = ()) -> bool:
    """Whether a message of `sender` in the chat `title` is a poll, or a sentence of the app.

    These begin with the name of the sender or another of the `members`, or of anybody where the
    group itself is the sender.
    """
    first, _, below = text.partition("\n")
    rest = below.split("\n") if below else []
    if (
        len(rest) >= 2
        and _POLL_WORD.match(first)
        and sum(map(bool, map(_COUNTED.fullmatch, rest))) >= 2
    ):
        return True
    if rest and _POLL.match(first) and any(map(_CHOICE.fullmatch, rest)):
        return True
    if "接龙" in first and sum(map(bool, map(_LISTED.match, rest))) > 1:
        return True
    alone = [n for n, line in enumerate(rest) if _VOTES_ALONE.fullmatch(line)]
    if len(alone) > 2 or len(alone) == 2 and alone[0] > 0 and alone[1] - alone[0] == 2:
        return True
    if rest and sum(bool(_VOTES.fullmatch(line)) for line in rest) >= max(2, len(rest) - 1):
        return True
    if len(text) > _LONGEST or rest:
        return False
    if text[:2].casefold().startswith(_YOU_BEGINS) and _YOU.fullmatch(text):
        return True
    folded = text.casefold()
    name = next((one for one in members if one and folded.startswith(one.casefold())), sender)
    if name != sender:  # 'Ole added too much salt' is what people say of each other
        rest = text[len(name) :]
        if not (any(one in rest for one in members) or _OF_A_GROUP.search(rest)):
            return False
        sender = name
    if sender and folded.startswith(sender.casefold()):
        after = text[len(sender) :]
        return bool(after) and not after[0].isalnum() and _does(after) or _does_chinese(after)
    if sender and sender == title:
        spaces = [match.end() for match in re.finditer(r"\s", text[:60])]
        return any(_does(" " + text[end:]) for end in spaces)
    return False


def _does(after):
    after = after.strip().rstrip(".。")
    return bool(after) and bool(_DONE.fullmatch(after) or _ANYWHERE.fullmatch(after))


def _does_chinese(after):
    return bool(re.match("[\u4e00-\u9fff]", after)) and _does(after)
