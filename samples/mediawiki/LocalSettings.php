<?php
// The wiki's settings. Nothing in this file is secret or belongs to one installation:
// both come from the environment and from secret files when the wiki runs.

if ( !defined( 'MEDIAWIKI' ) ) {
	exit;
}

$wgSitename = getenv( 'WIKI_NAME' ) ?: 'Wiki';
$wgLanguageCode = getenv( 'WIKI_LANGUAGE' ) ?: 'en';

// The wiki answers under one name, by whichever scheme and port the client came through.
// Any other Host gets WIKI_URL, so that nobody can have links to their own host cached.
$wgCanonicalServer = rtrim( getenv( 'WIKI_URL' ), '/' );
$wgServer = ( static function ( string $url ): string {
	$name = preg_quote( parse_url( $url, PHP_URL_HOST ), '/' );
	$host = $_SERVER['HTTP_HOST'] ?? '';
	if ( !preg_match( "/^$name(:[0-9]{1,5})?$/Di", $host ) ) {
		return $url;
	}
	$https = strtolower( $_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '' ) === 'https';
	return ( $https ? 'https://' : 'http://' ) . $host;
} )( $wgCanonicalServer );
$wgScriptPath = '';
$wgResourceBasePath = '';
$wgUsePathInfo = true;
$wgArticlePath = '/wiki/$1';

// The edge names the client in X-Forwarded-For, and only its network reaches this port.
$wgUsePrivateIPs = true;
$wgCdnServersNoPurge = [ '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16' ];

$wgDBtype = 'mysql';
$wgDBserver = getenv( 'DB_HOST' ) . ':' . ( getenv( 'DB_PORT' ) ?: '3306' );
$wgDBname = getenv( 'DB_DATABASE' );
$wgDBuser = getenv( 'DB_USERNAME' );
$wgDBpassword = rtrim( file_get_contents( getenv( 'DB_PASSWORD_FILE' ) ), "\r\n" );
$wgDBTableOptions = 'ENGINE=InnoDB, DEFAULT CHARSET=binary';

// The key lives in the database, so that every task has the same; the entry point fetches it.
$wgSecretKey = file_get_contents( '/dev/shm/mediawiki/secret-key' );
$wgUpgradeKey = substr( hash_hmac( 'sha256', 'upgrade', $wgSecretKey ), 0, 16 );
$wgAuthenticationTokenVersion = '1';

// What tasks share is in the database; each keeps a copy of its own in memory (APCu).
$wgMainCacheType = CACHE_DB;
$wgParserCacheType = CACHE_DB;
$wgSessionCacheType = CACHE_DB;
$wgCacheDirectory = '/var/cache/mediawiki';

$wgEnableUploads = true;
$wgUploadDirectory = '/data/images';
$wgUploadPath = '/images';
$wgUseImageResize = false; // the image carries no image library: browsers scale

$wgEnableEmail = false;
$wgPingback = false;
$wgDiff3 = '/usr/bin/diff3';

wfLoadSkin( 'Vector' );
$wgDefaultSkin = 'vector';
wfLoadExtension( 'Cite' );
wfLoadExtension( 'ParserFunctions' );
wfLoadExtension( 'WikiEditor' );
