/**
 * What the most common passwords of published lists are made of, once digits, signs and spellings
 * such as `p@ssw0rd` are taken away: words, names, teams and walks over the keyboard.
 */
const WORDS = `
password passwort passw passwd pass passphrase passcode secret geheim topsecret contrasena senha
motdepasse parola haslo heslo salasana losenord lozinka wachtwoord kennwort admin administrator
root superuser sysadmin master guest user username login logon welcome willkommen bienvenue
letmein letme changeme change access default demo test testing tester temp temporary service
server system manager support helpdesk security office company internet computer windows microsoft
apple google amazon facebook linkedin twitter instagram youtube samsung android iphone nokia cisco
oracle mysql postgres database backup storage cloud docker linux ubuntu debian azure github
holdfast hello hallo hola ciao bonjour goodbye please thankyou sorry whatever nothing something
anything iloveyou ilove loveyou loveme love lovely lover amor liebe schatz sweetheart honey baby
babygirl babyboy angel princess prince queen king kingdom flower sunshine sunflower rainbow
butterfly spring summer autumn winter fruhling sommer herbst january february march april may june
july august september october november december januar februar juni juli oktober dezember monday
tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag
samstag sonntag today tomorrow forever always never christmas easter birthday holiday weekend
dragon monkey tiger lion panther jaguar eagle falcon phoenix wolf bear horse pony dolphin shark
spider snake puppy kitty kitten cat dog doggy bird chicken rabbit bunny turtle elephant penguin
shadow hunter killer warrior knight ninja samurai pirate hacker wizard magic mystic merlin gandalf
matrix trinity neo morpheus starwars startrek skywalker vader yoda jedi batman superman spiderman
ironman avengers pokemon pikachu naruto mario zelda sonic minecraft fortnite roblox warcraft
counter strike gamer player playstation xbox nintendo football baseball basketball soccer hockey
tennis golf golfer swimming cricket rugby boxing racing liverpool arsenal chelsea manchester
united barcelona realmadrid juventus bayern dortmund schalke yankees cowboys lakers steelers
packers eagles patriots rangers redsox mustang ferrari porsche mercedes corvette camaro harley
yamaha suzuki kawasaki honda toyota ford michael jennifer jordan jessica ashley daniel andrew
joshua matthew robert thomas william anthony charlie george nicole amanda maggie michelle samantha
thunder christopher alexander alexandra andrea anna maria marina julia laura sarah sandra stefan
stephanie sebastian florian lukas felix tobias martin markus peter patrick patricia richard david
joseph james john paul mark kevin brian justin jason eric steven nathan ryan tyler brandon austin
dallas denver chicago london paris berlin madrid tokyo newyork brooklyn boston texas florida
california america england germany deutschland hamburg munich france canada mexico brazil india
russia china australia freedom liberty peace happy lucky success winner champion victory diamond
silver golden gold purple orange yellow green blue black white red pink chocolate cookie cheese
banana apples cherry peaches pepper ginger coffee pizza whiskey guinness heineken beer money
dollar business mother father brother sister family friend friends children daddy mommy mama papa
jesus christ heaven blessed faith hope god godbless church bible angels devil satan lucifer
trustno trustnoone fuckyou fuck fucker fuckme asshole bitch pussy sexy sex bullshit qwerty qwertz
azerty qwertyui qwertyuiop qwertzuiop qwe qweasd qweasdzxc qweqwe asd asdf asdfg asdfgh asdfghjkl
asdasd zxc zxcv zxcvb zxcvbn zxcvbnm yxcvbnm qaz qazwsx qazwsxedc wsx edc qazxsw zaq zaqwsx zaqxsw
qwer qwert poiuytrewq lkjhgfdsa mnbvcxz abc abcd abcde abcdef abcdefg abcdefgh abcdefghi xyz
abcabc aaa aaaaaa xxx xxxxxx zzzzzz
`

export const guessedWords: ReadonlySet<string> = new Set(WORDS.trim().split(/\s+/))
