{
  # Release builds (node-gyp, prebuildify). The files and their flags come from native/sources.json; an instruction
  # set is a target of its own because gyp knows compiler flags per target only.
  'target_defaults': {
    'include_dirs': ['native'],
    # Node's own common.gypi, which comes first, silences this warning and from Node 22 on asks for C++20.
    'cflags!': ['-Wno-unused-parameter'],
    'cflags_cc!': ['-std=gnu++20'],
    'cflags_cc': ['<!@(node native/sources.cjs flags)'],
    'xcode_settings': {
      'OTHER_CPLUSPLUSFLAGS': ['<!@(node native/sources.cjs flags)'],
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
      'CLANG_CXX_LIBRARY': 'libc++',
    },
  },
  'targets': [
    {
      'target_name': 'convforge',
      'dependencies': ['baseline'],
      'sources': ['<!@(node native/sources.cjs sources)'],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS'],
      'conditions': [
        ['target_arch=="x64"', { 'dependencies': ['avx2', 'avx512'] }],
        ['target_arch=="arm64"', { 'dependencies': ['neon'] }],
        ['OS=="linux"', {
          'ldflags': [
            '-static-libstdc++',
            '-static-libgcc',
            '-Wl,--version-script=<(module_root_dir)/native/addon/exports.map',
          ],
        }],
        ['OS=="mac"', {
          'xcode_settings': {
            'OTHER_LDFLAGS': [
              '-Wl,-exported_symbol,_napi_register_module_v1',
              '-Wl,-exported_symbol,_node_api_module_get_api_version_v1',
            ],
          },
        }],
      ],
    },
    {
      'target_name': 'baseline',
      'type': 'static_library',
      'win_delay_load_hook': 'false',
      'sources': ['<!@(node native/sources.cjs source baseline)'],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'avx2',
          'type': 'static_library',
          'win_delay_load_hook': 'false',
          'sources': ['<!@(node native/sources.cjs source avx2)'],
          'cflags_cc': ['<!@(node native/sources.cjs flags avx2)'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<!@(node native/sources.cjs flags avx2)'] },
        },
        {
          'target_name': 'avx512',
          'type': 'static_library',
          'win_delay_load_hook': 'false',
          'sources': ['<!@(node native/sources.cjs source avx512)'],
          'cflags_cc': ['<!@(node native/sources.cjs flags avx512)'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<!@(node native/sources.cjs flags avx512)'] },
        },
      ],
    }],
    ['target_arch=="arm64"', {
      'targets': [
        {
          'target_name': 'neon',
          'type': 'static_library',
          'win_delay_load_hook': 'false',
          'sources': ['<!@(node native/sources.cjs source neon)'],
          'cflags_cc': ['<!@(node native/sources.cjs flags neon)'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<!@(node native/sources.cjs flags neon)'] },
        },
      ],
    }],
  ],
}
